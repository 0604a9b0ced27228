"""A fetch: redirects, conditions, robots.txt, pace, one deadline over it all."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from services.linkcheck.fetch import Fetched, Fetcher, Manners
from services.linkcheck.fetch.robots import product_token
from tests.support.origin import USER_AGENT, Origin, Turn, page, raw, response


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as found:
        yield found


def fetcher(
    origin: Origin, *, delay: float | None = 0.0, robots: bool = False, deadline: float = 5, max_body: int = 100_000
) -> Fetcher:
    return Fetcher(origin.outbound(), Manners(delay, robots, USER_AGENT), deadline=deadline, max_body_bytes=max_body)


async def fetch(origin: Origin, url: str, *, robots: bool = False, deadline: float = 5, **options: str) -> Fetched:
    async with fetcher(origin, robots=robots, deadline=deadline).session() as session:
        return await session.fetch(url, **options)


def reason(found: Fetched) -> str | None:
    return found.fault.reason if found.fault else None


def statuses(found: Fetched) -> list[int]:
    return [one.status for one in found.exchanges]


# --- redirects ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed_over_hosts_and_schemes(origin: Origin, status: int) -> None:
    end = origin.url("end.test", "/there", tls=True)
    origin.page("end.test", "/there", "arrived")
    url = origin.redirect("start.test", "/", end + "#part", status)
    found = await fetch(origin, url)
    assert (statuses(found), found.final_url, found.fault) == ([status, 200], end, None)
    assert found.exchanges[-1].peer.tls_version is not None
    assert found.phases()["tls"] > 0


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/b", "/b"),
        ("b", "/dir/b"),
        ("../b", "/b"),
        ("?q=1", "/dir/a?q=1"),
        ("b#part", "/dir/b"),
        ("  /b  ", "/b"),
        ("/caf\u00e9", "/caf%C3%A9"),
        ("/a b", "/a%20b"),
        ("/%7Euser", "/%7Euser"),
    ],
)
async def test_locations_are_read_as_browsers_read_them(origin: Origin, location: str, path: str) -> None:
    origin.redirect("a.test", "/dir/a", location)
    origin.page("a.test", path, "arrived")
    found = await fetch(origin, origin.url("a.test", "/dir/a"))
    assert (statuses(found), found.final_url) == ([302, 200], origin.url("a.test", path))


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://169.254.169.254/latest/", "private_address"),
        ("//10.0.0.1/", "private_address"),
        ("http://[::1]/", "private_address"),
        ("http://0x7f.1/", "private_address"),
        ("http://user@b.test/", "userinfo"),
        ("http://@b.test/", "userinfo"),
        ("javascript:alert(1)", "blocked_scheme"),
        ("data:text/html,x", "blocked_scheme"),
        ("file:///etc/passwd", "blocked_scheme"),
        ("http://b.test:22/", "blocked_port"),
        ("http://", "protocol_error"),
        ("http://b.test:99999/", "protocol_error"),
    ],
)
async def test_redirects_are_vetted_like_links(origin: Origin, location: str, expected: str) -> None:
    url = origin.redirect("a.test", "/", location)
    found = await fetch(origin, url)
    assert (reason(found), statuses(found), found.final_url) == (expected, [302], url)
    assert len(origin.connections) == 1


async def test_an_answer_without_a_location_is_the_end(origin: Origin) -> None:
    for status, headers in ((302, []), (301, [("Location", "")]), (300, [("Location", "/b")]), (304, [])):
        url = origin.on("a.test", f"/{status}", raw(response(status, b"", headers)))
        found = await fetch(origin, url)
        assert statuses(found) in ([status], []), "304 without a question is no HTTP"
        assert reason(found) == ("protocol_error" if status == 304 else None)


async def test_a_loop_ends_at_its_first_return(origin: Origin) -> None:
    origin.redirect("a.test", "/1", "/2")
    origin.redirect("a.test", "/2", "/3")
    origin.redirect("a.test", "/3", "/1#again")
    found = await fetch(origin, origin.url("a.test", "/1#start"))
    assert (reason(found), statuses(found)) == ("redirect_loop", [302, 302, 302])


async def test_a_loop_that_only_a_cookie_would_break(origin: Origin) -> None:
    url = origin.redirect("a.test", "/", "/", headers=[("Set-Cookie", "seen=1")])
    found = await fetch(origin, url)
    assert (reason(found), len(origin.seen)) == ("redirect_loop", 1)
    assert origin.seen[0].header("cookie") is None


async def test_twenty_redirects_are_followed_and_not_one_more(origin: Origin) -> None:
    for number in range(40):
        origin.redirect("a.test", f"/{number}", f"/{number + 1}")
    origin.page("a.test", "/20", "arrived")
    found = await fetch(origin, origin.url("a.test", "/0"))
    assert (found.fault, len(found.exchanges)) == (None, 21)
    origin.redirect("a.test", "/20", "/21")
    found = await fetch(origin, origin.url("a.test", "/0"))
    assert (reason(found), len(found.exchanges)) == ("too_many_redirects", 21)


async def test_a_page_that_asks_for_another_in_its_markup_is_the_end(origin: Origin) -> None:
    markup = "<meta http-equiv=refresh content='0;url=/b'>"
    url = origin.page("a.test", "/", markup, headers=[("Refresh", "0;url=/b"), ("Location", "/b")])
    assert statuses(await fetch(origin, url)) == [200]


# --- one deadline ------------------------------------------------------------------------------------------------


async def test_one_deadline_over_all_hops(origin: Origin) -> None:
    async def slow(turn: Turn) -> None:
        await asyncio.sleep(0.15)
        number = int(turn.request.path[1:])
        await turn.send(response(302, b"", [("Location", f"/{number + 1}")]))

    origin.default("a.test", slow)
    started = time.monotonic()
    found = await fetch(origin, origin.url("a.test", "/0"), deadline=0.5)
    assert time.monotonic() - started < 0.9
    assert reason(found) in ("read_timeout", "total_timeout")
    assert 2 <= len(found.exchanges) <= 3


async def test_robots_txt_is_within_the_deadline_too(origin: Origin) -> None:
    origin.act("a.test", "/robots.txt", "trickled_body")
    url = origin.act("a.test", "/", "hang")
    started = time.monotonic()
    found = await fetch(origin, url, robots=True, deadline=0.6)
    assert time.monotonic() - started < 1.0
    assert reason(found) == "read_timeout"


async def test_a_body_cut_by_time_is_marked_and_no_fault(origin: Origin) -> None:
    found = await fetch(origin, origin.act("a.test", "/", "hang_in_body"), deadline=0.3)
    assert (found.fault, found.truncated, found.exchanges[0].body) == (None, "time", b"begun")


# --- conditions --------------------------------------------------------------------------------------------------


async def test_what_has_not_changed_is_not_sent_again(origin: Origin) -> None:
    modified = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    url = origin.page("a.test", "/", "x", etag='W/"v1"', last_modified=modified)
    first = await fetch(origin, url)
    last = first.exchanges[-1]
    again = await fetch(origin, url, etag=last.header("etag") or "", last_modified=last.header("last-modified") or "")
    assert (statuses(again), again.not_modified, first.not_modified) == ([304], True, False)
    assert origin.seen[1].header("if-none-match") == 'W/"v1"'
    assert origin.seen[1].header("if-modified-since") == "Fri, 02 Jan 2026 03:04:05 GMT"


async def test_conditions_go_to_the_url_that_gave_them(origin: Origin) -> None:
    end = origin.page("b.test", "/", "x", etag='"v1"')
    url = origin.redirect("a.test", "/", end, headers=[("ETag", '"v1"')])
    found = await fetch(origin, url, etag='"v1"', validated=end)
    assert (statuses(found), found.not_modified) == ([302, 304], True)
    assert origin.requests("a.test")[0].header("if-none-match") is None
    elsewhere = await fetch(origin, url, etag='"v1"')
    assert statuses(elsewhere) == [302, 200]


async def test_a_validator_that_would_split_a_header_is_not_sent(origin: Origin) -> None:
    url = origin.page("a.test", "/", "x")
    found = await fetch(origin, url, etag='"a"\r\nX: y', last_modified="\0")
    assert found.fault is None
    assert origin.seen[0].header("if-none-match") is None


# --- robots.txt --------------------------------------------------------------------------------------------------


def with_robots(origin: Origin, body: str, *, status: int = 200, host: str = "a.test") -> str:
    origin.page(host, "/robots.txt", body, status=status, content_type="text/plain")
    return origin.page(host, "/page", "x")


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /pa", False),
        ("User-agent: *\nDisallow: /other", True),
        ("User-agent: *\nDisallow: /\nAllow: /page", True),
        ("User-agent: citewatchtest\nAllow: /\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: CitewatchTest\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: bot\nDisallow: /", True),
        ("\ufeffUser-agent: *\nDisallow: /", False),
        ("<!doctype html><title>Home</title>", True),
    ],
)
async def test_rules_are_obeyed(origin: Origin, rules: str, allowed: bool) -> None:
    found = await fetch(origin, with_robots(origin, rules), robots=True)
    assert reason(found) == (None if allowed else "robots")
    assert len(origin.requests("a.test", "/page")) == int(allowed)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429])
async def test_rules_that_the_server_will_not_show_forbid_nothing(origin: Origin, status: int) -> None:
    assert statuses(await fetch(origin, with_robots(origin, "no", status=status), robots=True)) == [200]


@pytest.mark.parametrize("status", [500, 503])
async def test_rules_that_fail_mean_wait(origin: Origin, status: int) -> None:
    url = with_robots(origin, "no", status=status)
    found = await fetch(origin, url, robots=True)
    assert (reason(found), origin.requests("a.test", "/page")) == ("robots", [])
    assert found.retry_at is not None
    assert timedelta(minutes=4) < found.retry_at - datetime.now(UTC) < timedelta(minutes=6)


async def test_rules_are_asked_once_a_host(origin: Origin) -> None:
    url = with_robots(origin, "")
    other = with_robots(origin, "", host="b.test")
    shared = fetcher(origin, robots=True)
    for one in (url, other, url):
        async with shared.session() as session:
            await session.fetch(one)
    assert [len(origin.requests(host, "/robots.txt")) for host in ("a.test", "b.test")] == [1, 1]


async def test_rules_of_every_host_on_the_way_are_obeyed(origin: Origin) -> None:
    end = with_robots(origin, "User-agent: *\nDisallow: /", host="b.test")
    url = origin.redirect("a.test", "/", end)
    found = await fetch(origin, url, robots=True)
    assert (statuses(found), reason(found)) == ([302], "robots")


async def test_rules_may_redirect_five_times(origin: Origin) -> None:
    for number in range(5):
        origin.redirect("a.test", f"/r{number}", f"/r{number + 1}")
    origin.redirect("a.test", "/robots.txt", "/r1")
    origin.page("a.test", "/r5", "User-agent: *\nDisallow: /")
    url = origin.page("a.test", "/page", "x")
    assert reason(await fetch(origin, url, robots=True)) == "robots"
    origin.redirect("a.test", "/robots.txt", "/r0")
    assert statuses(await fetch(origin, url, robots=True)) == [200]


async def test_rules_that_redirect_to_a_private_address_are_not_followed(origin: Origin) -> None:
    origin.redirect("a.test", "/robots.txt", "http://10.0.0.1/robots.txt")
    found = await fetch(origin, origin.page("a.test", "/page", "x"), robots=True)
    assert reason(found) == "robots"
    assert len(origin.connections) == 1


async def test_a_dead_host_is_called_dead_and_not_walled(origin: Origin) -> None:
    for act, expected in (("hang", "read_timeout"), ("reset", "reset"), ("close", "reset")):
        host = f"{act}.test"
        origin.act(host, "/robots.txt", act)
        assert reason(await fetch(origin, origin.act(host, "/", act), robots=True, deadline=0.5)) == expected


async def test_a_host_whose_rules_have_no_answer_is_left_alone(origin: Origin) -> None:
    origin.act("a.test", "/robots.txt", "reset")
    found = await fetch(origin, origin.page("a.test", "/", "x"), robots=True)
    assert (reason(found), found.exchanges) == ("robots", ())


async def test_long_rules_are_read_to_five_hundred_kibibytes(origin: Origin) -> None:
    filler = "".join(f"Disallow: /never/{number}\n" for number in range(15_000))
    url = with_robots(origin, f"User-agent: *\n{filler}Disallow: /page\n")
    assert reason(await fetch(origin, url, robots=True)) == "robots"
    origin.page("b.test", "/robots.txt", f"User-agent: *\n{filler * 3}Disallow: /page\n")
    found = await fetch(origin, origin.page("b.test", "/page", "x"), robots=True)
    assert found.fault is None


async def test_robots_can_be_ignored(origin: Origin) -> None:
    assert statuses(await fetch(origin, with_robots(origin, "User-agent: *\nDisallow: /"))) == [200]
    assert origin.requests("a.test", "/robots.txt") == []


@pytest.mark.parametrize(
    ("agent", "token"),
    [
        ("Citewatch/0.1 (+https://citewatch.example/bot; link evidence monitor)", "Citewatch"),
        ("Mozilla/5.0 (compatible; ExampleBot/2.0; +https://bot.example)", "ExampleBot"),
        ("some-bot", "some-bot"),
        ("", "*"),
    ],
)
def test_the_name_that_rules_know_us_by(agent: str, token: str) -> None:
    assert product_token(agent) == token


# --- pace --------------------------------------------------------------------------------------------------------


async def test_a_host_has_its_pause_whoever_asks(origin: Origin) -> None:
    urls = [origin.page("a.test", f"/{number}", "x") for number in range(4)]
    shared = fetcher(origin, delay=0.1)

    async def turn(url: str) -> None:
        async with shared.session() as session:
            await session.fetch(url)

    await asyncio.gather(*(turn(url) for url in urls))
    times = sorted(seen.at for seen in origin.seen)
    assert all(later - earlier > 0.08 for earlier, later in itertools.pairwise(times))


async def test_different_hosts_do_not_wait_for_each_other(origin: Origin) -> None:
    urls = [origin.page(f"h{number}.test", "/", "x") for number in range(10)]
    shared = fetcher(origin, delay=5)
    async with shared.session() as session:
        started = time.monotonic()
        await asyncio.gather(*(session.fetch(url) for url in urls))
    assert time.monotonic() - started < 2


async def test_a_host_met_by_redirects_has_its_pause_too(origin: Origin) -> None:
    end = origin.page("end.test", "/", "x")
    urls = [origin.redirect(f"h{number}.test", "/", end) for number in range(3)]
    shared = fetcher(origin, delay=0.1)
    async with shared.session() as session:
        await asyncio.gather(*(session.fetch(url) for url in urls))
    times = sorted(seen.at for seen in origin.requests("end.test"))
    assert all(later - earlier > 0.08 for earlier, later in itertools.pairwise(times))


async def test_hosts_of_our_own_networks_need_no_pause(origin: Origin) -> None:
    urls = [origin.page("a.test", f"/{number}", "x") for number in range(5)]
    shared = fetcher(origin, delay=None)
    started = time.monotonic()
    async with shared.session() as session:
        for url in urls:
            await session.fetch(url)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("status", "value", "seconds"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (429, "0", None),
        (429, "999999999", 86_400),
        (429, "-5", None),
        (429, "soon", None),
        (429, "Wed, 01 Jan 2020 00:00:00 GMT", None),
        (429, "Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        (429, "99999999999999999999999999", None),
        (200, "120", None),
    ],
)
async def test_retry_after_is_told(origin: Origin, status: int, value: str, seconds: int | None) -> None:
    url = origin.on("a.test", "/", page("x", status=status, headers=[("Retry-After", value)]))
    found = await fetch(origin, url)
    assert found.fault is None
    if seconds is None:
        assert found.retry_at is None
    else:
        assert found.retry_at is not None
        assert abs((found.retry_at - datetime.now(UTC)).total_seconds() - seconds) < 5
