"""Every row of the signs has a fixture of its own, fires on it, and stays silent on pages that only come near."""

import re
from pathlib import Path

import pytest

from services.linkcheck.core.model import History, Hop, HostFacts, Observation
from services.linkcheck.core.reasons import is_known
from services.linkcheck.core.signs import networks, parking, people, servers, walls
from services.linkcheck.core.signs.row import Scene, Sign, holds
from services.linkcheck.core.text import extract
from services.linkcheck.core.verdict import judge

FOLDER = Path(__file__).resolve().parents[1] / "cases" / "signs"
ROWS: dict[str, Sign] = {
    sign.name: sign
    for sign in (
        *walls.BOT_SIGNS, *networks.NETWORK_SIGNS, *people.PERSON_SIGNS, *parking.PARKING_SIGNS, *parking.SERVICE_SIGNS,
        *parking.DEFAULT_SIGNS, *servers.STATUS_SIGNS, *servers.MAINTENANCE_SIGNS,
    )
}  # fmt: skip
ALIVE = sorted((FOLDER / "alive").glob("*.html"))


def observed(path: Path) -> Observation:
    """A fixture as an observation; its first comment may give status, url and one header."""
    raw = path.read_text()
    lines = raw.partition("-->")[0].splitlines()[1:] if raw.startswith("<!--") else []
    meta = dict(line.split(": ", 1) for line in lines)
    asked = "https://harbour.example/2019/05/tides-turn-early"
    final = meta.get("url", asked)
    name, _, value = meta.get("header", "").partition(": ")
    hops = (Hop(asked, 302),) if final != asked else ()
    last = Hop(final, int(meta.get("status", 200)), ((name, value),) if name else ())
    return Observation(asked, (*hops, last), page=extract(raw.encode(), "text/html; charset=utf-8", final))


def test_every_row_has_a_fixture_and_every_fixture_a_row() -> None:
    assert {path.stem for path in FOLDER.glob("*.html")} == set(ROWS)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_row_fires_on_its_fixture(name: str) -> None:
    observation = observed(FOLDER / f"{name}.html")
    assert holds(ROWS[name], Scene(observation))
    verdict = judge(observation, History(), HostFacts())
    assert verdict.outcome == ROWS[name].outcome, verdict
    assert verdict.signals[0].text


@pytest.mark.parametrize("path", ALIVE, ids=lambda path: path.stem)
def test_pages_that_only_come_near_are_alive(path: Path) -> None:
    verdict = judge(observed(path), History(), HostFacts())
    assert verdict.outcome == "ok", verdict


@pytest.mark.parametrize("sign", ROWS.values(), ids=lambda sign: sign.name)
def test_a_row_explains_itself(sign: Sign) -> None:
    assert sign.text[0].islower() or sign.text[0].isupper()
    assert sign.source
    assert is_known(sign.outcome, sign.reason)
    assert any((sign.statuses, sign.header, sign.title, sign.lead, sign.words, sign.markers, sign.markup, sign.url))


_ESCAPE = re.compile(r"\\.")


@pytest.mark.parametrize("name", ROWS)
def test_the_regexes_of_a_row_are_in_lower_case(name: str) -> None:
    """They look at lower-case text, so that an upper-case letter would never be found."""
    sign = ROWS[name]
    patterns = (sign.title, sign.lead, sign.words, sign.url, sign.markup, *(sign.header or ("", ""))[1:])
    bare = "".join(_ESCAPE.sub("", pattern) for pattern in patterns)
    assert bare == bare.lower()
