"""Each outcome and reason of CONTRACT §2 that a check can find, over a real socket: fetch, read, judge."""

import re
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Verdict
from services.linkcheck.core.text import extract
from services.linkcheck.core.verdict import judge
from services.linkcheck.fetch import Fetcher, Manners
from shared.outbound.coding import decode
from shared.outbound.exchange import FaultError
from tests.support import netns
from tests.support.origin import USER_AGENT, Origin, Turn, page, redirect

CONTRACT_REASONS = {
    "ok": {"content", "not_modified"},
    "moved": {"permanent_redirect", "scheme_upgrade", "host_change"},
    "gone": {"http_404", "http_410"},
    "soft_404": {"not_found_text", "same_as_missing_path"},
    "redirected_away": {"to_home", "to_hub", "to_unrelated"},
    "parked": {"for_sale", "parking_page", "unclaimed_service"},
    "walled": {"login", "consent", "paywall", "bot_challenge", "http_401", "http_403", "http_429", "http_451",
               "robots"},
    "server_error": {"http_500"},
    "unreachable": {"dns_nxdomain", "connect_refused", "read_timeout", "total_timeout", "tls_expired", "tls_hostname",
                    "tls_untrusted", "reset", "protocol_error", "redirect_loop", "too_many_redirects"},
    "unsafe": {"private_address", "blocked_port", "blocked_scheme", "userinfo"},
    "unsupported": {"scheme", "media_type"},
}  # fmt: skip
"""Left out: `connect_timeout` and `dns_failure` (no loopback server can be too slow to accept, nor break DNS alone),
`unchanged` and `missing_target` (the pipeline's and ingest's own), `too_large` (unit test)."""
TEXT = "<p>" + "The pilots met in the old customs house and spoke of the channel and the winter. " * 12 + "</p>"
SHORT = "<p>" + "The pilots met in the old customs house. " * 6 + "</p>"
HOST = "harbour.test"
Script = Callable[[Origin], str]


def shows(
    body: str, title: str = "Tides turn early", path: str = "/2019/tides-turn-early", **options: object
) -> Script:
    return lambda origin: origin.page(HOST, path, f"<title>{title}</title><h1>{title}</h1>{body}", **options)


def leads(to: str, status: int, *, host: str = HOST, tls: bool = False, title: str = "Welcome") -> Script:
    def script(origin: Origin) -> str:
        origin.page(host, to, f"<title>{title}</title><h1>{title}</h1>{TEXT}")
        return origin.redirect(HOST, "/2019/tides-turn-early", origin.url(host, to, tls=tls), status)

    return script


def acts(name: str) -> Script:
    return lambda origin: origin.act(HOST, "/", name)


def written(url: str) -> Script:
    return lambda origin: url


def tls(kind: str) -> Script:
    def script(origin: Origin) -> str:
        getattr(origin, kind)(HOST)
        origin.page(HOST, "/", TEXT)
        return origin.url(HOST, "/", tls=True)

    return script


def upgrade(origin: Origin) -> str:
    safe = origin.url(HOST, "/", tls=True)

    async def script(turn: Turn) -> None:
        sealed = turn.writer.get_extra_info("ssl_object") is not None
        await (page(TEXT) if sealed else redirect(safe, 301))(turn)

    return origin.on(HOST, "/", script)


def nobody(origin: Origin) -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


def loop(origin: Origin) -> str:
    return origin.redirect(HOST, "/a", origin.redirect(HOST, "/b", origin.url(HOST, "/a")))


def long_way(origin: Origin) -> str:
    target = origin.page(HOST, "/end", TEXT)
    for number in range(30):
        target = origin.redirect(HOST, f"/{number}", target)
    return target


SCRIPTS: dict[str, Script] = {
    "ok/content": shows(TEXT),
    "moved/permanent_redirect": leads("/archive/tides-turn-early", 301),
    "moved/host_change": leads("/2019/tides-turn-early", 308, host="www.harbour.test"),
    "moved/scheme_upgrade": upgrade,
    "gone/http_404": shows(SHORT, status=404),
    "gone/http_410": shows(SHORT, status=410),
    "soft_404/not_found_text": shows("<p>Sorry, we could not find that page.</p>", "Page not found"),
    "redirected_away/to_home": leads("/", 302),
    "redirected_away/to_hub": leads("/news/", 301, title="News"),
    "redirected_away/to_unrelated": leads("/offers/win-a-new-lamp", 302, title="Win a new lamp"),
    "parked/for_sale": shows("<p>This domain is for sale.</p>", "harbour.test"),
    "parked/parking_page": shows(
        '<script src="https://www.google.com/adsense/domains/caf.js"></script>', "harbour.test"
    ),
    "parked/unclaimed_service": shows("<p>There isn't a GitHub Pages site here.</p>", "Hm", status=404),
    "walled/login": leads("/login?next=x", 302, title="Log in"),
    "walled/consent": shows("<p>We and our 300 partners use cookies. Accept?</p>", "Before you continue"),
    "walled/paywall": shows(SHORT + "<p>This article is for subscribers only. Already a subscriber? Log in.</p>"),
    "walled/bot_challenge": shows("<script>window._cf_chl_opt={}</script>", "Just a moment...", status=503),
    "walled/http_401": shows(SHORT, status=401),
    "walled/http_403": shows(SHORT, status=403),
    "walled/http_429": shows(SHORT, status=429),
    "walled/http_451": shows(SHORT, status=451),
    "server_error/http_500": shows(SHORT, status=500),
    "unreachable/connect_refused": nobody,
    "unreachable/reset": acts("reset"),
    "unreachable/protocol_error": lambda origin: origin.on(HOST, "/", _babble),
    "unreachable/tls_expired": tls("expired"),
    "unreachable/tls_hostname": tls("misnamed"),
    "unreachable/tls_untrusted": tls("untrusted"),
    "unreachable/redirect_loop": loop,
    "unreachable/too_many_redirects": long_way,
    "unsupported/scheme": written("gopher://harbour.test/"),
    "unsupported/media_type": shows("x", content_type="image/png"),
}


FORBIDDEN = {
    "unsafe/private_address": "http://10.0.0.1/",
    "unsafe/blocked_port": "http://127.0.0.1:6667/",
    "unsafe/userinfo": "http://anna:secret@127.0.0.1/",
}


async def _babble(turn: Turn) -> None:
    await turn.send(b"Ahoy!\r\n\r\n")


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as found:
        yield found


async def check(
    origin: Origin, url: str, *, deadline: float = 5, robots: bool = False, host: HostFacts | None = None,
    etag: str | None = None,
) -> Verdict:  # fmt: skip
    fetcher = Fetcher(origin.outbound(), Manners(0.0, robots, USER_AGENT), deadline=deadline, max_body_bytes=100_000)
    async with fetcher.session() as session:
        fetched = await session.fetch(url, etag=etag)
    hops = tuple(Hop(_plain(one.url), one.status, one.headers) for one in fetched.exchanges)
    seen_page = None
    if fetched.exchanges and fetched.fault is None and not fetched.not_modified:
        last = fetched.exchanges[-1]
        seen_page = extract(decode(last, 100_000)[0], last.header("content-type"), _plain(last.url))
    seen = Observation(_plain(url), hops, fetched.fault, seen_page, not_modified=fetched.not_modified, body_length=1000)
    return judge(seen, History(), host or HostFacts())


def _plain(url: str) -> str:
    """Without the port, which only the test bench has."""
    return re.sub(r":\d+/", "/", url)


@pytest.mark.parametrize("expected", SCRIPTS)
async def test_outcome_and_reason(origin: Origin, expected: str) -> None:
    verdict = await check(origin, SCRIPTS[expected](origin))
    assert f"{verdict.outcome}/{verdict.reason}" == expected, verdict.signals


async def forbidden(urls: list[str]) -> list[str]:
    """Runs in a namespace of its own: where a guard that fails reaches nobody."""
    async with Origin() as origin:
        found = [await check(origin, url) for url in urls]
    return [f"{verdict.outcome}/{verdict.reason}" for verdict in found]


@pytest.mark.netns
@pytest.mark.skipif(netns.command() is None, reason="this machine gives no network namespaces: not tried here")
def test_what_our_own_policy_forbids() -> None:
    found = netns.call("tests.integration.test_verdict_over_sockets:forbidden", list(FORBIDDEN.values()))
    assert found == list(FORBIDDEN)


async def test_the_probe_settles_a_page_that_looks_like_any_other(origin: Origin) -> None:
    url = shows(TEXT, "Harbour")(origin)
    other = extract(f"<title>Harbour</title><h1>Harbour</h1>{TEXT}".encode(), "text/html", _plain(url))
    verdict = await check(origin, url, host=HostFacts(missing_page=other, missing_status=200))
    assert (verdict.outcome, verdict.reason) == ("soft_404", "same_as_missing_path")


async def test_not_modified(origin: Origin) -> None:
    url = shows(TEXT, etag='"1"')(origin)
    verdict = await check(origin, url, etag='"1"')
    assert (verdict.outcome, verdict.reason) == ("ok", "not_modified")


async def test_a_name_that_is_not(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lookup(host: str) -> list[str]:
        raise FaultError("dns_nxdomain")

    monkeypatch.setattr(origin, "_lookup", lookup)
    verdict = await check(origin, "http://nowhere.test/")
    assert (verdict.outcome, verdict.reason) == ("unreachable", "dns_nxdomain")


async def test_robots(origin: Origin) -> None:
    origin.page(HOST, "/robots.txt", "User-agent: *\nDisallow: /2019/", content_type="text/plain")
    verdict = await check(origin, shows(TEXT)(origin), robots=True)
    assert (verdict.outcome, verdict.reason) == ("walled", "robots")


@pytest.mark.parametrize("act", ["hang", "hang_in_head", "trickled_head"])
async def test_hanging(origin: Origin, act: str) -> None:
    verdict = await check(origin, acts(act)(origin), deadline=0.4)
    assert verdict.outcome == "unreachable"
    assert verdict.reason in ("read_timeout", "total_timeout")


def test_nothing_of_the_contract_is_left_out() -> None:
    elsewhere = {"ok/not_modified", "soft_404/same_as_missing_path", "walled/robots", "unreachable/read_timeout",
                 "unreachable/dns_nxdomain",
                 "unreachable/total_timeout", "unsafe/blocked_scheme"}  # fmt: skip
    wanted = {f"{outcome}/{reason}" for outcome, reasons in CONTRACT_REASONS.items() for reason in reasons}
    assert wanted == set(SCRIPTS) | set(FORBIDDEN) | elsewhere
    contract = Path(__file__).resolve().parents[2] / ".." / "shared" / "CONTRACT.md"
    if contract.exists():
        text = contract.read_text()
        assert all(f"`{reason}`" in text for reasons in CONTRACT_REASONS.values() for reason in reasons)
