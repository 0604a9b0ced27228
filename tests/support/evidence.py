"""The development evidence beside the repository: where it is, and its archives unpacked. Never copied into it."""

import atexit
import functools
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

import pytest
import zstandard

REPOSITORY = Path(__file__).resolve().parents[2]


def evidence_dir() -> Path | None:
    """The folder `evidence`; None where it is not at hand."""
    base = Path(os.environ.get("CITEWATCH_EVIDENCE_DIR") or REPOSITORY / ".." / "shared")
    found = base / "evidence"
    return found if found.is_dir() else None


@functools.cache
def unpack(archive: str) -> Path:
    """Unpack a `.tar.zst` of the evidence for as long as the process lives. Skips a test where it is absent."""
    root = evidence_dir()
    if root is None or not (root / archive).is_file():
        pytest.skip("the evidence is not beside the repository (CITEWATCH_EVIDENCE_DIR)")
    target = Path(tempfile.mkdtemp(prefix="citewatch-evidence-"))
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    with (root / archive).open("rb") as packed:
        reader = zstandard.ZstdDecompressor().stream_reader(packed)
        with tarfile.open(fileobj=reader, mode="r|") as tar:
            tar.extractall(target, filter="data")
    inside = list(target.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target
