"""`citewatch check` as a newsroom uses it: twice on one article, while the web changes."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Ended, run
from tests.support.origin import Origin

pytestmark = pytest.mark.timeout(400)  # a dozen processes, each of which starts a Python of its own
CASES = Path(__file__).resolve().parents[1] / "cases" / "bad_sources"
FILLER = f"<p>{'The council met again on Tuesday to speak about roads, schools and the harbour. ' * 4}</p>"
SENTENCE = "The committee approved a budget of {} million euros for the new bridge on 8 August 2016."
FAST = {"CITEWATCH_CONFIRM_CHECKS": "2", "CITEWATCH_CONFIRM_PERIOD": "0s", "CITEWATCH_HOST_DELAY": "0s"}


def article(origin: Origin) -> str:
    return f"""# Bridge

The committee [approved a budget of 4.2 million euros]({origin.url("paper.test", "/report")}) for the new bridge.
Twelve officers were [present at the gate]({origin.url("paper.test", "/gate")}), police said on Friday evening.
The harbour was [dredged to nine metres]({origin.url("port.test", "/depth")}), the port authority says in its report.
More is told by [a page behind a wall]({origin.url("wall.test", "/x")}) that nobody may read without an account.
A lost link was [discussed previously](#) in this paper, as many readers will remember.
"""


def page(title: str, sentence: str) -> str:
    body = f"<h1>{title}</h1>{FILLER}<p>{sentence}</p>{FILLER}"
    return f"<!doctype html><html lang=en><title>{title}</title><body><article>{body}</article></body></html>"


def by_anchor(ended: Ended) -> dict[str, Any]:
    return {one["anchor"]: one for one in ended.document["articles"][0]["citations"]}


async def check(origin: Origin, path: Path, data_dir: Path, *options: str) -> Ended:
    environment = {**origin.environment(), **FAST}
    return await run("check", str(path), "--data-dir", str(data_dir), *options, environment=environment)


async def test_a_changed_number_a_death_a_move_and_a_wall(tmp_path: Path) -> None:
    source, data = tmp_path / "bridge.md", tmp_path / "data"
    async with Origin() as origin:
        source.write_text(article(origin))
        gate = page("Gate", "Twelve officers were present at the gate, the police confirmed on Friday.")
        depth = page("Harbour", "The harbour was dredged to a depth of nine metres.")
        origin.page("paper.test", "/report", page("Budget", SENTENCE.format("4.2")))
        origin.page("paper.test", "/gate", gate)
        origin.page("port.test", "/depth", depth)
        origin.page("wall.test", "/x", "<title>Just a moment</title>", status=403)

        first = await check(origin, source, data, "--json")
        assert first.code == 1, first.err  # the lost link needs an editor
        found = by_anchor(first)
        assert {one["support"] for one in found.values()} == {"intact", "unknown", "no_target"}
        budget = found["approved a budget of 4.2 million euros"]
        assert budget["passage"]["exact"] == SENTENCE.format("4.2")
        assert budget["claim"].startswith("The committee approved a budget of 4.2 million euros for the new bridge.")
        assert found["a page behind a wall"]["outcome"] == "walled"
        assert found["discussed previously"]["reason"] == "placeholder"

        origin.page("paper.test", "/report", page("Budget", SENTENCE.format("5.7")))
        origin.page("paper.test", "/gate", "<title>Not Found</title><h1>Not Found</h1>", status=404)
        origin.redirect("port.test", "/depth", origin.url("port.test", "/new/depth"), status=301)
        origin.page("port.test", "/new/depth", depth)

        second = await check(origin, source, data, "--json")
        found = by_anchor(second)
        budget = found["approved a budget of 4.2 million euros"]
        assert (budget["support"], budget["changes"], budget["health"]) == ("altered", ["number"], "attention")
        assert budget["passage"]["exact"] == SENTENCE.format("5.7")
        gone = found["present at the gate"]
        assert (gone["outcome"], gone["link_status"], gone["health"]) == ("gone", "suspect", "attention")
        moved = found["dredged to nine metres"]
        assert (moved["outcome"], moved["support"]) == ("moved", "intact")

        third = await check(origin, source, data)
        assert third.code == 1
        assert "Changed since the last look" in third.out
        assert "\x1b[" not in third.out  # no colour where nobody sees it
        dead = by_anchor(await check(origin, source, data, "--json"))["present at the gate"]
        assert (dead["link_status"], dead["health"]) == ("dead", "broken")

        origin.page("paper.test", "/gate", gate)
        revived = by_anchor(await check(origin, source, data, "--json"))["present at the gate"]
        assert (revived["link_status"], revived["support"], revived["health"]) == ("live", "intact", "ok")

    verified = await run("verify", "--data-dir", str(data))
    assert verified.code == 0, verified.out
    article_id = first.document["articles"][0]["article_id"]
    bundle = tmp_path / "bridge.wacz"
    assert (await run("export", article_id, "-o", str(bundle), "--data-dir", str(data))).code == 0
    assert (await run("verify", str(bundle))).code == 0
    damaged = next((data / "archive" / "warc").rglob("*.warc.gz"))
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    torn = await run("verify", "--data-dir", str(data))
    assert torn.code == 1
    assert damaged.name.partition(".")[0] in torn.out


async def test_all_well_exits_0_and_a_second_article_shares_the_link(tmp_path: Path) -> None:
    async with Origin() as origin:
        origin.page("paper.test", "/report", page("Budget", SENTENCE.format("4.2")))
        sources = []
        for number in (1, 2):
            path = tmp_path / f"{number}.md"
            link = origin.url("paper.test", "/report") + ("?utm_source=mail" if number == 2 else "#top")
            path.write_text(f"The committee [approved a budget of 4.2 million euros]({link}) for bridge {number}.\n")
            sources.append(str(path))
        environment = {**origin.environment(), **FAST}
        ended = await run("check", *sources, "--json", "--data-dir", str(tmp_path / "d"), environment=environment)
        assert ended.code == 0, ended.out
        one, two = (report["citations"][0] for report in ended.document["articles"])
        assert one["link_id"] == two["link_id"]
        assert one["snapshot"]["id"] == two["snapshot"]["id"]
        assert len([seen for seen in origin.seen if seen.path.startswith("/report")]) == 1


@pytest.mark.parametrize("bad", sorted(CASES.iterdir()), ids=lambda path: path.name)
async def test_a_bad_source_is_named_and_the_others_are_checked(bad: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.md"
    good.write_text("# Good\n\nThis was [discussed previously](#) in this paper, as many readers will remember.\n")
    ended = await run("check", str(bad), str(good), "--json", "--data-dir", str(tmp_path / "d"))
    assert ended.code == 2
    assert str(bad) in ended.err
    assert "Traceback" not in ended.err
    assert [report["title"] for report in ended.document["articles"]] == ["Good"]


async def test_standard_input_missing_files_and_wrong_settings(tmp_path: Path) -> None:
    data = str(tmp_path / "d")
    told = b"As [we said](#) last week in this very paper.\n"
    ended = await run("check", "-", "--json", "--data-dir", data, stdin=told)
    assert (ended.code, len(ended.document["articles"])) == (1, 1)
    absent = await run("check", str(tmp_path / "absent.md"), "--data-dir", data)
    assert absent.code == 2
    assert "absent.md" in absent.err
    wrong = await run("check", "-", environment={"CITEWATCH_CONFIRM_PERIOD": "soon"}, stdin=b"x")
    assert wrong.code == 2
    assert "CITEWATCH_CONFIRM_PERIOD" in wrong.err
    assert "Traceback" not in wrong.err
