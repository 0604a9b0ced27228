"""A page read, judged and packed in one piece: what the reading processes do. They import this and what it needs, no
more: it counts per process.
"""

from dataclasses import dataclass

from services.linkcheck.archive.packing import Capture, Packed, pack
from services.linkcheck.core.assess import GOOD, Assessment, Material, assess
from services.linkcheck.core.model import Observation
from shared.faults import point


@dataclass(frozen=True, slots=True)
class Read:
    """What was found, and the capture packed as evidence of it where one was asked for and nothing is in doubt."""

    found: Assessment
    packed: Packed | None


def read(observation: Observation, material: Material, capture: Capture | None) -> Read:
    """Assess, and pack the answer where its text is: neither comes back when the page is good."""
    if material.answer is not None and observation.page is None:
        point("reading")
    found = assess(observation, material)
    if capture is None or found.verdict.wants_probe:
        return Read(found, None)
    packed = pack(capture, found.observation.page)
    return Read(found.without_text() if found.verdict.outcome in GOOD else found, packed)
