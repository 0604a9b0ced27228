"""Before the last strike the same URL is asked by a second way out: a real CONNECT proxy, over the whole check."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.linkcheck.archive.bundle import cdxj
from services.linkcheck.archive.records import records
from services.linkcheck.archive.verify import verify_archive, verify_bundle
from services.linkcheck.archive.warc import read_metadata
from services.linkcheck.settings import LinkcheckSettings
from shared.errors import SettingError
from shared.settings import load
from tests.support.command import run
from tests.support.linkchecking import PAGE, Bench, linkchecking
from tests.support.origin import ACTS, Origin, Script, page
from tests.support.proxy import ConnectProxy, by_way

HOST = "harbour.test"
PATH = "/2019/tides"
AWAY = "http://127.0.0.1:9"
"""Nothing listens there."""
MISSING = page("<title>404</title><p>No such page.</p>", status=404)
RULE: dict[str, Any] = {"confirm_checks": 2, "confirm_period": "1h"}


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as found:
        yield found


@pytest.fixture
async def proxy() -> AsyncIterator[ConnectProxy]:
    async with ConnectProxy() as found:
        yield found


async def strike(bench: Bench, origin: Origin, script: Script, *, tls: bool = False) -> dict[str, Any]:
    """A good check, then two that fail on our own way, as `script` has it; returns the link."""
    origin.page(HOST, PATH, PAGE)
    link_id = await bench.cite(origin.url(HOST, PATH, tls=tls))
    await bench.check()
    assert (await bench.link(link_id))["status"] == "live"
    origin.on(HOST, PATH, script)
    for _ in range(2):
        bench.clock.forward(hours=2)
        await bench.check()
    return await bench.link(link_id)


def signals(link: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["text"] for one in link["checks"][0]["signals"]}


@pytest.mark.parametrize("tls", [False, True])
async def test_a_page_that_only_we_cannot_see_lives(
    origin: Origin, proxy: ConnectProxy, tmp_path: Path, tls: bool
) -> None:
    async with linkchecking(tmp_path, origin, vantage_proxies=proxy.url, **RULE) as bench:
        link = await strike(bench, origin, by_way(MISSING, page(PAGE)), tls=tls)
        assert (link["status"], link["outcome"], link["failures"]) == ("live", "ok", 0)
        assert "http_404" in signals(link)["second_vantage"]
        assert [check["outcome"] for check in link["checks"]] == ["ok", "gone", "ok"]
        assert len(proxy.asked) == 1, "one strike was the last, and it alone was doubted"
        assert link["citations"][0]["support"] == "intact", "read on the page that the second way brought"
        assert proxy.asked[0].startswith(b"CONNECT 127.0.0.1:")


async def test_both_ways_are_kept_as_evidence(origin: Origin, proxy: ConnectProxy, tmp_path: Path) -> None:
    async with linkchecking(tmp_path, origin, vantage_proxies=proxy.url, **RULE) as bench:
        link = await strike(bench, origin, by_way(MISSING, page(PAGE)))
        archive = bench.linkcheck.archive
        last = next(one for one in await bench.snapshots() if one.snapshot_id == link["snapshot_id"])
        whole = list(records(await archive.read_warc(last.warc_key)))
        answers = [record.http()[0] for record in whole if record.kind == "response"]
        assert answers == [404, 200]
        facts = read_metadata(next(record.block for record in whole if record.kind == "metadata"))
        ways = [fact["peer"].get("via") for name, fact in facts if name == "hop"]  # type: ignore[index]
        assert ways == [None, proxy.url.rpartition("@")[2]]
        assert (last.http_status, (await archive.body(last.warc_key))[1]) == (200, PAGE.encode())
        assert await damages(bench) == []
        lines = list(cdxj(await archive.read_warc(last.warc_key), "x.warc.gz"))
        assert ['"status": "200"' in line for line in lines] == [True], "a player shows the one that counts"
        bundle = tmp_path / "evidence.wacz"
        bundle.write_bytes(await bench.linkcheck.desk.bundle(bench.article_ids[0]) or b"")
        assert [str(one) for one in verify_bundle(bundle).damages] == []


async def damages(bench: Bench) -> list[str]:
    found = await verify_archive(bench.linkcheck.archive.blobs, await bench.snapshots())
    return [str(one) for one in found.damages]


async def test_a_page_that_fails_both_ways_is_dead(origin: Origin, proxy: ConnectProxy, tmp_path: Path) -> None:
    async with linkchecking(tmp_path, origin, vantage_proxies=proxy.url, **RULE) as bench:
        link = await strike(bench, origin, MISSING)
        assert (link["status"], link["reason"], link["confidence"]) == ("dead", "http_404", 1.0)
        assert "fails too" in signals(link)["second_vantage"]
        bench.clock.forward(hours=2)
        await bench.check()
        assert len(proxy.asked) == 1, "the dead are not doubted again"


async def test_a_wall_on_the_second_way_leaves_it_suspect(origin: Origin, proxy: ConnectProxy, tmp_path: Path) -> None:
    async with linkchecking(tmp_path, origin, vantage_proxies=proxy.url, **RULE) as bench:
        link = await strike(bench, origin, by_way(MISSING, page("No.", status=403)))
        assert (link["status"], link["outcome"], link["failures"]) == ("suspect", "walled", 1)


async def test_an_answer_there_tells_more_than_silence_here(
    origin: Origin, proxy: ConnectProxy, tmp_path: Path
) -> None:
    async with linkchecking(tmp_path, origin, vantage_proxies=proxy.url, **RULE) as bench:
        link = await strike(bench, origin, by_way(ACTS["reset"], MISSING))
        assert (link["status"], link["reason"]) == ("dead", "http_404")
        assert "reset" in signals(link)["second_vantage"]


async def test_proxies_are_tried_in_turn(origin: Origin, proxy: ConnectProxy, tmp_path: Path) -> None:
    async with ConnectProxy(b"HTTP/1.1 407 Who are you\r\n\r\n") as closed:
        proxies = ",".join((AWAY, closed.url, proxy.url))
        async with linkchecking(tmp_path, origin, vantage_proxies=proxies, **RULE) as bench:
            link = await strike(bench, origin, by_way(MISSING, page(PAGE)))
            assert link["status"] == "live"
            assert len(closed.asked) == len(proxy.asked) == 1


async def test_broken_proxies_neither_make_nor_unmake_a_death(origin: Origin, tmp_path: Path) -> None:
    async with linkchecking(tmp_path, origin, vantage_proxies=AWAY, **RULE) as bench:
        link = await strike(bench, origin, MISSING)
        assert (link["status"], link["confidence"]) == ("dead", 1.0)
        assert "no_second_vantage" in signals(link)
        assert "second_vantage" not in signals(link)


async def test_a_proxy_that_reaches_no_canary_tells_nothing(origin: Origin, tmp_path: Path) -> None:
    """It answers 502 for everything: without canaries that would read as a failure of the far side."""
    canary = origin.page("canary.test", "/", "up")
    async with ConnectProxy(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as blind:
        settings = {"vantage_proxies": blind.url, "canary_urls": canary}
        async with linkchecking(tmp_path, origin, **settings, **RULE) as bench:
            link = await strike(bench, origin, MISSING)
            assert link["status"] == "dead"
            assert "no_second_vantage" in signals(link)
            assert len(blind.asked) == 2, "the link, and the canary"


async def test_the_address_policy_holds_on_this_way_too(origin: Origin, proxy: ConnectProxy, tmp_path: Path) -> None:
    """A redirect that only the second way is given leads to a forbidden port: the proxy is not asked to go there."""
    inside = page("", status=302, headers=[("Location", "http://127.0.0.1:6667/")])
    async with linkchecking(tmp_path, origin, vantage_proxies=proxy.url, **RULE) as bench:
        link = await strike(bench, origin, by_way(MISSING, inside))
        assert (link["status"], link["reason"]) == ("suspect", "blocked_port")
        assert not any(b":6667" in head for head in proxy.asked)


async def test_an_archive_of_both_ways_is_whole(origin: Origin, proxy: ConnectProxy, tmp_path: Path) -> None:
    async with linkchecking(tmp_path, origin, vantage_proxies=proxy.url, **RULE) as bench:
        await strike(bench, origin, MISSING)
        assert await damages(bench) == []


async def test_the_command_explains_which_way_found_what(origin: Origin, proxy: ConnectProxy, tmp_path: Path) -> None:
    url = origin.on(HOST, PATH, by_way(MISSING, page(PAGE)))
    article = tmp_path / "article.md"
    article.write_text(
        f"# Harbour\n\nThe harbour was [dredged to a depth of nine metres]({url}) in the spring of 2019.\n"
    )
    environment = origin.environment() | {
        "CITEWATCH_VANTAGE_PROXIES": proxy.url, "CITEWATCH_CONFIRM_CHECKS": "1", "CITEWATCH_CONFIRM_PERIOD": "0s",
    }  # fmt: skip
    ended = await run("check", str(article), "--explain", "--data-dir", str(tmp_path / "data"), environment=environment)
    assert ended.code == 0, ended.err
    assert "our own way out finds: gone, http_404" in " ".join(ended.out.split())


def test_proxies_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWATCH_VANTAGE_PROXIES", "http://one.test:3128, http://me:s3cret@[::1]:8080")
    found = load(LinkcheckSettings, _env_file=None).vantage_proxies
    assert [(one.host, one.port, bool(one.authorization)) for one in found] == [
        ("one.test", 3128, False), ("::1", 8080, True)
    ]  # fmt: skip


def test_a_proxy_that_is_none_ends_the_start_without_its_secret() -> None:
    with pytest.raises(SettingError, match="CITEWATCH_VANTAGE_PROXIES") as raised:
        load(LinkcheckSettings, vantage_proxies="socks5://me:secret@proxy.test:1", _env_file=None)
    assert "secret" not in str(raised.value)
    settings = load(LinkcheckSettings, vantage_proxies="http://me:s3cret@proxy.test:1", _env_file=None)
    assert "s3cret" not in repr(settings)
