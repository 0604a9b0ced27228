"""What a sign is: one named row of conditions on an answer, and what it concludes. Rows are data; this reads them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from services.linkcheck.core.model import Observation, Page, Signal
from shared.events import Outcome

_SEPARATORS = re.compile(r"\s+[|\-–—·•:»«›/~]+\s+|\s*[|·•»«›]\s*|:\s+|\s+[-–—]")
_STOP = re.compile(r"[.!?…:;,؟।。！？、，]")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_TAG = re.compile(r"</?[a-z][a-z0-9]{0,10}(?:\s[^<>]{0,300})?/?>", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\s*\n\s*")
STUB = 20_000
"""Characters of markup that patterns look at; they are for stubs. `markers` look at all of it."""
WORDS = 50_000
"""Characters of text that rows look at: what a page of this kind has to say, it says before."""
_EMPTY = Page(media_type="")


@dataclass(frozen=True, slots=True)
class Sign:
    """A row. Every condition that is given must hold.

    Regexes are written in lower case, look at lower-case text, and search anywhere unless anchored.
    """

    name: str
    outcome: Outcome
    reason: str
    text: str
    """A plain phrase for people: what was seen."""
    source: str
    """Where the rule comes from."""
    statuses: frozenset[int] = frozenset()
    """Statuses of the last answer; empty: any."""
    header: tuple[str, str] | None = None
    """Name and regex of its value."""
    title: str = ""
    lead: str = ""
    """In the title, the headings or the first 1,500 characters of text."""
    words: str = ""
    """Anywhere in the visible text."""
    markers: str = ""
    """Lower-case strings, `|` between them, of which one must stand in the markup."""
    markup: str = ""
    """For what no plain string can say: much slower than `markers`."""
    url: str = ""
    """In the URL that answered last."""
    max_prose: int = 1200
    """Most characters of text outside links that the page may have; a real article has more."""
    weight: float = 1.0

    def signal(self) -> Signal:
        return Signal(self.name, self.text, self.weight)


@dataclass(frozen=True)
class Scene:
    """An observation, seen as the rows want it: nothing here is None."""

    observation: Observation
    _low: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def page(self) -> Page:
        """The page; tags that a plain text shows literally are taken out."""
        page = self.observation.page or _EMPTY
        if page.media_type == "text/plain" and _TAG.search(page.full):
            bare = _BLANK_LINES.sub("\n", _TAG.sub("\n", page.full)).strip()
            return replace(page, full=bare, main=bare, title=bare.partition("\n")[0][:200])
        return page

    @property
    def status(self) -> int:
        return self.observation.status or 0

    @property
    def url(self) -> str:
        return self.observation.final_url

    @cached_property
    def markup(self) -> str:
        """The markup in lower case."""
        return self.page.markup.lower()

    def low(self, name: str) -> str:
        """What the regex of a row's condition of this name looks at, in lower case."""
        if name not in self._low:
            self._low[name] = _LOOKS[name](self).lower()
        return self._low[name]

    @cached_property
    def prose(self) -> int:
        """Characters of visible text outside links."""
        return max(0, len(self.page.full) - self.page.link_text)

    @cached_property
    def running(self) -> int:
        """Characters of running text, as far as any sign asks: blocks that look like sentences, not menus, buttons and
        captions.
        """
        return min(self.prose, running_text(self.page.full))

    @cached_property
    def lead(self) -> str:
        """Title, headings and the beginning of the text, one a line."""
        return "\n".join((self.page.title, *self.page.headings[:6], self.page.full[:1500]))

    @cached_property
    def title_parts(self) -> tuple[str, ...]:
        """The title, and what stands between its separators."""
        title = self.page.title.strip()
        return tuple(dict.fromkeys(part.strip() for part in (title, *_SEPARATORS.split(title)) if part.strip()))

    def header(self, name: str) -> str | None:
        return self.observation.hops[-1].header(name) if self.observation.hops else None


_LOOKS: dict[str, Callable[[Scene], str]] = {
    "title": lambda scene: scene.page.title,
    "url": lambda scene: scene.url,
    "lead": lambda scene: scene.lead,
    "words": lambda scene: scene.page.full[:WORDS],
    "markup": lambda scene: scene.page.markup[:STUB],
}
"""The conditions that are regexes, the quickest first."""


ENOUGH = 4000
"""Characters of running text from which a page has a text of its own, whatever is asked."""


def running_text(text: str, enough: int = ENOUGH) -> int:
    """Characters in blocks that look like sentences; counted no further than to `enough`."""
    found = 0
    for block in text.split("\n"):
        if len(block) > 20 and _is_sentence(block):
            found += len(block)
            if found >= enough:
                break
    return found


def _is_sentence(block: str) -> bool:
    """Eight words or more with a stop among them; half as much in scripts that do not space words."""
    if block.count(" ") < 7 and (block.isascii() or len(_UNSPACED.findall(block[:200])) < 12):
        return False
    return _STOP.search(block) is not None


@lru_cache(maxsize=1024)
def regex(pattern: str) -> re.Pattern[str]:
    """The compiled form of a row's condition, for lower-case text: four times as quick as one that ignores case."""
    return re.compile(pattern, re.MULTILINE)


def seen(pattern: str, text: str) -> str | None:
    """What a pattern finds in a text, whatever its case, as it stands there."""
    low = text.lower()
    found = regex(pattern).search(low)
    if found is None:
        return None
    return text[found.start() : found.end()] if len(low) == len(text) else found[0]


def holds(sign: Sign, scene: Scene) -> bool:
    """Whether all conditions of a row hold."""
    if scene.prose > sign.max_prose or (sign.statuses and scene.status not in sign.statuses):
        return False
    if sign.header is not None:
        name, pattern = sign.header
        value = scene.header(name)
        if value is None or seen(pattern, value) is None:
            return False
    wanted = ((getattr(sign, name), name) for name in _LOOKS)
    if not all(not pattern or regex(pattern).search(scene.low(name)) for pattern, name in wanted):
        return False
    return not sign.markers or any(marker in scene.markup for marker in sign.markers.split("|"))


def first(signs: Iterable[Sign], scene: Scene) -> Sign | None:
    """The first row that holds."""
    return next((sign for sign in signs if holds(sign, scene)), None)
