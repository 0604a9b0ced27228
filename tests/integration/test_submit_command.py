"""`citewatch submit` against a running ingest."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.commands.submit import submit
from tests.support.ingest import SECRET, SetClock, running


async def test_an_article_is_known_by_its_address_wherever_its_file_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CITEWATCH_WEBHOOK_SECRETS", SECRET)
    async with running(tmp_path / "ingest", clock=SetClock(datetime.now(UTC))) as ingest:
        for name, cars in (("draft", 4000), ("final", 5700), ("copy", 5700)):
            source = tmp_path / name / f"{name}.html"
            source.parent.mkdir()
            source.write_text(
                f'<article><p>It carried <a href="https://a.example/">{cars} cars</a> a day.</p></article>'
            )
            await submit(str(source), "https://paper.example/bridge", ingest.url, tmp_path / "data")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len({one["article_id"] for one in told}) == 1
    assert [one["version"] for one in told] == [1, 2, 2]
