"""Each outcome and reason of CONTRACT §2 that a check can find, over a real socket: fetch, read, judge."""

import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import get_args

import pytest

from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Verdict
from services.linkcheck.core.reasons import REASONS
from services.linkcheck.core.text import extract
from services.linkcheck.core.verdict import judge
from services.linkcheck.fetch import Fetcher, Manners
from shared.events import Outcome
from shared.outbound.client import Outbound
from shared.outbound.coding import decode
from shared.outbound.egress import AddressPolicy
from shared.outbound.resolver import DnsLookup, Resolver
from tests.support import netns
from tests.support.ingest import running
from tests.support.linkchecking import linkchecking
from tests.support.nameserver import NameServer
from tests.support.origin import USER_AGENT, Origin, Turn, page, redirect

PROVEN: set[str] = set()
"""What the tests below show beside the tables: filled by `proves`."""


def proves(*expected: str) -> pytest.MarkDecorator:
    """A test of these outcomes and reasons, which it gets as `expected`."""
    PROVEN.update(expected)
    return pytest.mark.parametrize("expected", expected)


TEXT = "<p>" + "The pilots met in the old customs house and spoke of the channel and the winter. " * 12 + "</p>"
SHORT = "<p>" + "The pilots met in the old customs house. " * 6 + "</p>"
HOST = "harbour.test"
Script = Callable[[Origin], str]


def shows(
    body: str | bytes, title: str = "Tides turn early", path: str = "/2019/tides-turn-early", **options: object
) -> Script:
    whole = f"<title>{title}</title><h1>{title}</h1>{body}" if isinstance(body, str) else body
    return lambda origin: origin.page(HOST, path, whole, **options)


def leads(to: str, status: int, *, host: str = HOST, tls: bool = False, title: str = "Welcome") -> Script:
    def script(origin: Origin) -> str:
        origin.page(host, to, f"<title>{title}</title><h1>{title}</h1>{TEXT}")
        return origin.redirect(HOST, "/2019/tides-turn-early", origin.url(host, to, tls=tls), status)

    return script


def leads_to(target: str) -> Script:
    return lambda origin: origin.redirect(HOST, "/2019/tides-turn-early", target)


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
    "walled/network_block": shows("<p>Access to this site has been blocked by order of a court.</p>", "Notice"),
    "walled/bot_challenge": shows("<script>window._cf_chl_opt={}</script>", "Just a moment...", status=503),
    "walled/http_401": shows(SHORT, status=401),
    "walled/http_403": shows(SHORT, status=403),
    "walled/http_407": shows(SHORT, status=407),
    "walled/http_429": shows(SHORT, status=429),
    "walled/http_451": shows(SHORT, status=451),
    "walled/http_999": shows(SHORT, status=999),
    **{f"server_error/http_{code}": shows(SHORT, status=code) for code in (500, 502, 503, 504)},
    "server_error/maintenance": shows("<p>Our site is down for scheduled maintenance.</p>", "Harbour Authority"),
    "server_error/proxy_error": shows("<p>Nothing came. ERR_CONNECT_FAIL</p>", "ERROR"),
    "unreachable/connect_refused": nobody,
    "unreachable/reset": acts("reset"),
    "unreachable/protocol_error": lambda origin: origin.on(HOST, "/", _babble),
    "unreachable/tls_expired": tls("expired"),
    "unreachable/tls_hostname": tls("misnamed"),
    "unreachable/tls_untrusted": tls("untrusted"),
    "unreachable/redirect_loop": loop,
    "unreachable/too_many_redirects": long_way,
    "unsupported/scheme": written("gopher://harbour.test/"),
    "unreachable/read_timeout": acts("hang"),
    "unreachable/total_timeout": acts("hang_in_head"),
    "unsafe/blocked_port": written("http://127.0.0.1:6667/"),
    "unsafe/blocked_scheme": leads_to("javascript:alert(1)"),
    "unsafe/userinfo": written("http://anna:secret@127.0.0.1/"),
    "unsupported/redirect_without_target": shows(SHORT, status=302),
    "unsupported/too_large": shows(b"%PDF-1.7 " + b"x" * 200_000, content_type="application/pdf"),
    "unsupported/media_type": shows("x", content_type="image/png"),
}


FORBIDDEN = {
    "unsafe/private_address": "http://10.0.0.1/",
}


async def _babble(turn: Turn) -> None:
    await turn.send(b"Ahoy!\r\n\r\n")


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as found:
        yield found


async def check(
    origin: Origin, url: str, *, deadline: float = 5, robots: bool = False, host: HostFacts | None = None,
    etag: str | None = None, outbound: Outbound | None = None,
) -> Verdict:  # fmt: skip
    fetcher = Fetcher(
        outbound or origin.outbound(), Manners(0.0, robots, USER_AGENT), deadline=deadline, max_body_bytes=100_000
    )
    async with fetcher.session() as session:
        fetched = await session.fetch(url, etag=etag)
    hops = tuple(Hop(_plain(one.url), one.status, one.headers) for one in fetched.exchanges)
    seen_page = None
    if fetched.exchanges and fetched.fault is None and not fetched.not_modified:
        last = fetched.exchanges[-1]
        seen_page = extract(decode(last, 100_000)[0], last.header("content-type"), _plain(last.url))
    seen = Observation(
        _plain(url), hops, fetched.fault, seen_page, not_modified=fetched.not_modified, body_length=1000,
        truncated=fetched.truncated,
    )  # fmt: skip
    return judge(seen, History(), host or HostFacts())


def _plain(url: str) -> str:
    """Without the port, which only the test bench has."""
    return re.sub(r":\d+/", "/", url)


@pytest.mark.parametrize("expected", SCRIPTS)
async def test_outcome_and_reason(origin: Origin, expected: str) -> None:
    verdict = await check(origin, SCRIPTS[expected](origin), deadline=0.5 if "time" in expected else 5)
    assert said(verdict) == expected, verdict.signals


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


@proves("soft_404/same_as_missing_path")
async def test_the_probe_settles_a_page_that_looks_like_any_other(origin: Origin, expected: str) -> None:
    url = shows(TEXT, "Harbour")(origin)
    other = extract(f"<title>Harbour</title><h1>Harbour</h1>{TEXT}".encode(), "text/html", _plain(url))
    assert said(await check(origin, url, host=HostFacts(missing_page=other, missing_status=200))) == expected


@proves("ok/not_modified")
async def test_not_modified(origin: Origin, expected: str) -> None:
    assert said(await check(origin, shows(TEXT, etag='"1"')(origin), etag='"1"')) == expected


@proves("unreachable/dns_nxdomain", "unreachable/dns_failure")
async def test_names(origin: Origin, tmp_path: Path, expected: str) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("")
    async with NameServer({"broken.test": ["SERVFAIL"]}) as names:
        lookup = DnsLookup(hosts, names.resolv_conf(tmp_path), lifetime=1.0, port=names.port)
        outbound = Outbound(AddressPolicy((ip_network("127.0.0.0/8"),)), Resolver((), lookup), user_agent=USER_AGENT)
        host = "broken" if expected.endswith("failure") else "absent"
        assert said(await check(origin, f"http://{host}.test/", outbound=outbound)) == expected


@proves("unreachable/connect_timeout")
async def test_a_server_that_takes_no_more_connections(origin: Origin, expected: str) -> None:
    """Its queue is full, so that the kernel drops what knocks."""
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        assert said(await check(origin, url, deadline=0.5)) == expected


@proves("walled/robots")
async def test_robots(origin: Origin, expected: str) -> None:
    origin.page(HOST, "/robots.txt", "User-agent: *\nDisallow: /2019/", content_type="text/plain")
    assert said(await check(origin, shows(TEXT)(origin), robots=True)) == expected


@pytest.mark.parametrize("act", ["hang", "hang_in_head", "trickled_head"])
async def test_hanging(origin: Origin, act: str) -> None:
    verdict = await check(origin, acts(act)(origin), deadline=0.4)
    assert said(verdict) in ("unreachable/read_timeout", "unreachable/total_timeout")


THEN = f"<title>Tides</title><h1>Tides</h1>{TEXT}"
SPAM = "<p>" + "Play at the best casino of the year, with a jackpot every night and slots online for all. " * 9 + "</p>"
AFTERWARDS = {
    "ok/unchanged": THEN,
    "soft_404/empty": "",
    "soft_404/shows_home": f'<title>Harbour</title><link rel=canonical href="http://{HOST}/"><p>{"Boats, berths. " * 40}',
    "parked/taken_over": f"<title>Best casino</title>{SPAM}",
}
"""What stands there at the second check; it is the page's past that tells."""


@proves(*AFTERWARDS)
async def test_what_only_a_past_can_tell(origin: Origin, tmp_path: Path, expected: str) -> None:
    async with linkchecking(tmp_path, origin) as bench:
        link_id = await bench.cite(origin.page(HOST, "/2019/tides-turn-early", THEN))
        await bench.check()
        origin.page(HOST, "/2019/tides-turn-early", AFTERWARDS[expected])
        bench.clock.forward(days=1)
        await bench.check()
        link = await bench.link(link_id)
        assert f"{link['outcome']}/{link['reason']}" == expected


HREFS = {
    "missing_target/placeholder": "#",
    "missing_target/empty": "",
    "missing_target/script": "javascript:void(0)",
    "missing_target/relative": "//[broken]/2019/report",
}


@proves(*HREFS)
async def test_a_citation_without_a_target(tmp_path: Path, expected: str) -> None:
    """Posted to ingest over its socket, and taken over by linkcheck."""
    claim = f'The harbour was <a href="{HREFS[expected]}">dredged to nine metres</a>, the port authority says in 2019.'
    article = {"content": f"<article><p>{claim}</p></article>", "title": "Harbour", "url": "https://paper.test/1"}
    async with running(tmp_path / "ingest") as ingest, Origin() as origin, linkchecking(tmp_path, origin) as bench:
        assert (await ingest.push(article)).status_code == 202
        (received,) = await ingest.events()
        report = await bench.take_over(received)
        (citation,) = report["citations"]
        assert f"{citation['outcome']}/{citation['reason']}" == expected
        assert (citation["link_id"], citation["support"]) == (None, "no_target")


def said(verdict: Verdict) -> str:
    return f"{verdict.outcome}/{verdict.reason}"


def test_every_reason_has_a_case() -> None:
    known = {f"{outcome}/{reason}" for outcome, reasons in REASONS.items() for reason in reasons}
    assert set(SCRIPTS) | set(FORBIDDEN) | PROVEN == known
    assert set(REASONS) == set(get_args(Outcome))


CONTRACT: dict[Outcome, str] = {
    "ok": "content not_modified unchanged",
    "moved": "permanent_redirect scheme_upgrade host_change",
    "gone": "http_404 http_410",
    "soft_404": "not_found_text same_as_missing_path",
    "redirected_away": "to_home to_hub to_unrelated",
    "parked": "for_sale parking_page unclaimed_service",
    "walled": "login consent paywall bot_challenge http_401 http_403 http_429 http_451 robots",
    "server_error": "http_500",
    "unreachable": "dns_nxdomain dns_failure connect_refused connect_timeout read_timeout total_timeout tls_expired "
    "tls_hostname tls_untrusted reset protocol_error redirect_loop too_many_redirects",
    "unsafe": "private_address blocked_port blocked_scheme userinfo",
    "unsupported": "scheme too_large media_type",
    "missing_target": "placeholder empty script relative",
}
"""What users were promised; the code may know more."""


@pytest.mark.parametrize("outcome", CONTRACT)
def test_what_was_promised_is_in_the_table(outcome: Outcome) -> None:
    assert set(CONTRACT[outcome].split()) <= REASONS[outcome]
