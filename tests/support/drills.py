"""What runs inside a network namespace (`tests/support/netns.py`): every address leads to a trap that remembers."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.linkcheck.fetch import Fetcher, Manners
from shared.outbound.client import Outbound
from shared.outbound.egress import BAD_PORTS, AddressPolicy
from shared.outbound.resolver import DnsLookup, Resolver
from shared.outbound.transport import SafeTransport
from tests.support.nameserver import NameServer
from tests.support.origin import USER_AGENT, Origin, page, redirect

PUBLIC = "93.184.216.34"
NAME_SERVER = "10.255.255.53"
EVERYWHERE = ("0.0.0.0", "::")


@dataclass
class Trap:
    """A whole internet on this machine."""

    origin: Origin
    names: NameServer
    outbound: Outbound
    others: list[tuple[str, int]] = field(default_factory=list)

    @property
    def reached(self) -> list[tuple[str, int]]:
        return [*self.origin.connections, *self.others]

    def forget(self) -> None:
        self.origin.connections.clear()
        self.origin.seen.clear()
        self.others.clear()
        self.names.asked.clear()


@asynccontextmanager
async def trap(ports: Sequence[int] = ()) -> AsyncIterator[Trap]:
    async with (
        Origin(EVERYWHERE, 80, 443) as origin,
        NameServer({}, NAME_SERVER, 53) as names,
        contextlib.AsyncExitStack() as stack,
    ):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hosts = folder / "hosts"
        hosts.write_text("127.0.0.1 localhost localhost.localdomain\n::1 ip6-localhost\n")
        lookup = DnsLookup(hosts, names.resolv_conf(folder), lifetime=2.0)
        outbound = Outbound(AddressPolicy(), Resolver((), lookup), user_agent=USER_AGENT, ca_file=origin.ca_file)
        found = Trap(origin, names, outbound)

        async def remember(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.others.append(writer.get_extra_info("sockname")[:2])
            writer.close()

        for port in sorted(set(ports) - {0, 53, 80, 443}):
            await stack.enter_async_context(await asyncio.start_server(remember, EVERYWHERE, port))
        yield found


def fetcher(outbound: Outbound, *, robots: bool) -> Fetcher:
    return Fetcher(outbound, Manners(0.0, robots, USER_AGENT), deadline=5, max_body_bytes=100_000)


async def urls(cases: list[dict[str, Any]], robots: bool) -> list[dict[str, Any]]:
    """Every URL of `ssrf_urls.jsonl`: what the fetcher said, and what it reached."""
    results = []
    ports = BAD_PORTS | {6379, 8080, 9092, 11211, 2130}
    async with trap(sorted(ports)) as net:
        for case in cases:
            net.forget()
            host = _host(case)
            net.names.answers = {host: [case["resolves"]]} if case["resolves"] else {}
            net.origin.default(host, page("here"))
            if case["resolves"]:
                net.origin.certified(host)
            async with fetcher(net.outbound, robots=robots).session() as session:
                found = await session.fetch(case["url"])
            fault = found.fault.reason if found.fault else None
            statuses = [one.status for one in found.exchanges]
            results.append({"id": case["id"], "fault": fault, "statuses": statuses, "reached": net.reached})
    return results


def _host(case: Mapping[str, Any]) -> str:
    href = case["whatwg_href"] or ""
    return href.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0] if "[" not in href else ""


async def names(cases: list[dict[str, Any]], robots: bool) -> list[dict[str, Any]]:
    """Every case of `ssrf_dns.jsonl`, with a real name server and a real origin."""
    results = []
    async with trap() as net:
        for case in cases:
            net.forget()
            _stage(net, case)
            async with fetcher(net.outbound, robots=robots).session() as session:
                found = await session.fetch(case["url"])
            results.append(
                {
                    "id": case["id"],
                    "fault": found.fault.reason if found.fault else None,
                    "statuses": [one.status for one in found.exchanges],
                    "reached": net.reached,
                    "asked": {f"{name} {kind}": number for (name, kind), number in net.names.asked.items()},
                }
            )
    return results


def _stage(net: Trap, case: Mapping[str, Any]) -> None:
    """Let names and origin act a case out: `redirects` are the answers, one after another, then a page."""
    answers = [
        [address.partition("%")[0] for address in answer] if isinstance(answer, list) else answer
        for answer in case["answers"]
    ]
    net.names.answers = {
        case["host"]: answers,
        "news-site.com": [[PUBLIC]],
        "rebind.attack-dns.net": [["10.0.0.1"]],
        "localhost": [["127.0.0.1"]],
    }
    net.origin.default("news-site.com", page("arrived"))
    net.origin.certified("news-site.com")
    steps = case["redirects"] or []
    places = ["/", *[step["location"] for step in steps]]
    net.origin.default(case["host"], page("arrived"))
    for place, step in zip(places, steps, strict=False):
        script = redirect(step["location"], step["status"]) if step["status"] != 200 else _sly(step["location"])
        net.origin.on(case["host"], place if place.startswith("/") and not place.startswith("//") else "/", script)
        if step["location"] == "/start":
            net.origin.on(case["host"], "/start", redirect("/a", 302))


def _sly(target: str) -> Any:
    """A page that asks for another address in every way but a redirect."""
    body = f"<meta http-equiv=refresh content='0;url={target}'><link rel=canonical href='{target}'>"
    return page(body, headers=[("Refresh", f"0;url={target}"), ("Location", target)])


async def webhooks(cases: list[tuple[str, dict[str, list[list[str]]]]]) -> list[dict[str, Any]]:
    """POSTs of ours through httpx."""
    results = []
    async with trap() as net, httpx.AsyncClient(transport=SafeTransport(net.outbound), trust_env=False) as client:
        for url, answers in cases:
            net.forget()
            net.names.answers = dict(answers)
            net.origin.default(httpx.URL(url).host, page("taken"))
            result = await _post(client, url)
            bodies = [one.body.decode() for one in net.origin.seen]
            results.append({**result, "reached": net.reached, "bodies": bodies})
    return results


async def _post(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    try:
        answer = await client.post(url, json={"alert": 1}, timeout=5)
    except httpx.HTTPError as error:
        return {"error": type(error).__name__, "text": str(error)}
    return {"status": answer.status_code, "text": answer.text}
