"""What no store takes, and what no archive takes, holds up nobody but itself."""

import json
from pathlib import Path

import pytest

from services.linkcheck.archive.warc import ForgedField
from services.linkcheck.check import Checker
from tests.support.linkchecking import CLAIM, PAGE, linkchecking
from tests.support.origin import Origin


async def test_characters_that_no_store_takes_are_replaced(tmp_path: Path, database_url: str) -> None:
    said = json.dumps({"title": "x\0\ud800", "text": f"\0{CLAIM}\ud83d"})
    async with Origin() as origin, linkchecking(tmp_path, origin, database_url=database_url) as bench:
        link_id = await bench.cite(origin.page("odd.test", "/", said, content_type="application/json"))
        await bench.check()
        assert (await bench.link(link_id))["status"] == "live"


async def test_a_check_that_cannot_be_kept_is_put_off_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = Checker.keep

    async def refuses(self: Checker, group: object) -> None:
        for one in group:  # type: ignore[attr-defined]
            if "odd.test" in one.result.link.url:
                raise ForgedField("a field that cannot be written")
        await keep(self, group)  # type: ignore[arg-type]

    monkeypatch.setattr(Checker, "keep", refuses)
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench:
        well = [await bench.cite(origin.page(f"well{number}.test", "/", PAGE)) for number in range(5)]
        odd = await bench.cite(origin.page("odd.test", "/", PAGE))
        await bench.check()
        assert {(await bench.link(one))["status"] for one in well} == {"live"}
        assert (await bench.link(odd))["status"] == "pending"
