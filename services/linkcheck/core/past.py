"""The page's own past as control: what stood there when it was good is no sign of its end.

Paywall lines in a header, "not found" in a list of topics, a notice of maintenance from last year: whoever reads a
page for the first time may take them for what the page is. Whoever knows it sees that they are furniture.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from services.linkcheck.core import similarity
from services.linkcheck.core.model import Page
from services.linkcheck.core.signs.row import Scene, running_text

STANDS = 0.8
"""Share of the old text that must stand for it to be there still."""
LIKE = 0.5
"""… and how alike the texts must be where the old one was too short to tell by itself."""
WHOLE = 0.9
"""Share of its running text that a page must have kept: what has lost more may have its furniture only."""
TELLING = 200
PLAINLY = 0.85
"""Share of a text's lines, by their length, that must stand for it to stand without any closer look: of lines that
were changed, most words stand, too, so that this is more than `STANDS` of its words."""


def as_before(now: Page, then: Page | None) -> bool:
    """Whether the main text is, by and large, the one that stood there when the page was good."""
    if then is None or now.main == "":
        return False
    if _lines_kept(then.main, now.main) >= PLAINLY and _lines_kept(now.main, then.main) >= PLAINLY:
        return True
    return similarity.resemblance(then.main, now.main) > LIKE


@lru_cache(maxsize=8)
def _lines_kept(inner: str, outer: str) -> float:
    """Share of the characters of `inner` in lines that `outer` has as well: a hundredth of the cost of shingles."""
    if inner == outer:
        return 1.0
    known = frozenset(outer.split("\n"))
    lines = inner.split("\n")
    total = sum(map(len, lines))
    return sum([len(line) for line in lines if line in known]) / total if total else 0.0


def as_it_was(scene: Scene, then: Page | None) -> bool:
    """Whether the page of then stands there, line by line. Then there is no news, whatever is found (`is_news`)."""
    if then is None or not 200 <= scene.status < 300 or len(then.main) < TELLING:
        return False
    return _lines_kept(then.main, scene.page.full) >= PLAINLY and not _shrank(scene.page, then)


def text_stands(now: Page, then: Page) -> bool:
    """Whether the text of then can be read now, whatever else is there: nothing stands before it."""
    if similarity.containment(then.main, now.full) < STANDS:
        return False
    return len(then.main) >= TELLING or as_before(now, then)


def is_news(scene: Scene, then: Page | None, found: Callable[[Scene], object]) -> bool:
    """Whether what was found on a page is found by what is new there, too.

    Without a past all is new; so it is where the page shrank, for then its furniture may be all that is left, and
    where the answer's status speaks for itself.
    """
    if then is None or not 200 <= scene.status < 300 or _shrank(scene.page, then):
        return True
    return not text_stands(scene.page, then) and bool(found(news(scene, then)))


def _shrank(now: Page, then: Page) -> bool:
    return _running(now.full) < WHOLE * _running(then.full)


@lru_cache(maxsize=8)
def _running(text: str) -> int:
    """All running text of a page, which is asked for several times."""
    return running_text(text, enough=len(text))


def news(scene: Scene, then: Page) -> Scene:
    """The scene without the title, the headings and the blocks that stood there before."""
    page = scene.page
    known = frozenset((then.title, *then.headings, *then.full.split("\n"), *then.main.split("\n")))
    new = replace(
        page,
        title="" if page.title in known else page.title,
        headings=tuple(one for one in page.headings if one not in known),
        main=_without(page.main, known),
        full=_without(page.full, known),
    )
    return Scene(replace(scene.observation, page=new))


def _without(text: str, known: frozenset[str]) -> str:
    return "\n".join(block for block in text.split("\n") if block not in known)
