"""Names to addresses, once for every hop; tells a name that does not exist from name servers that do not answer.

    Resolver    overrides (as curl's --resolve), addresses as they are, then a lookup
    DnsLookup   the hosts file, then the DNS: A and AAAA at once, over the servers of resolv.conf

The libc resolver is not asked: it has few threads, which dead names would fill, and on a machine without name
servers it may call every name absent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Generic, TypeVar

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from shared.outbound.exchange import FaultError

T = TypeVar("T")
Lookup = Callable[[str], Awaitable[Sequence[str]]]
HOSTS = Path("/etc/hosts")
RESOLV_CONF = Path("/etc/resolv.conf")
LIFETIME = 6.0
"""Seconds for a question, over all servers and repeats."""
LONGEST_LABEL, LONGEST_NAME = 63, 253
"""RFC 1035 §2.3.4."""


class DnsLookup:
    """Asks the hosts file and the name servers. Reads both again when their files have changed."""

    def __init__(
        self, hosts: Path = HOSTS, resolv_conf: Path = RESOLV_CONF, *, lifetime: float = LIFETIME, port: int = 53
    ) -> None:
        self._hosts = _Watched(hosts, _read_hosts)
        self._servers = _Watched(resolv_conf, lambda path: _read_servers(path, port))
        self._lifetime = lifetime

    async def __call__(self, host: str) -> Sequence[str]:
        """All addresses. Raises `FaultError` dns_nxdomain or dns_failure."""
        name = host.rstrip(".").lower()
        written = self._hosts.value().get(name)
        if written:
            return written
        if name == "localhost" or name.endswith(".localhost"):
            return ["127.0.0.1", "::1"]  # RFC 6761 §6.3
        if name.endswith(".invalid"):
            raise _absent(host)  # RFC 6761 §6.4
        return await self._ask(host, name)

    async def _ask(self, host: str, name: str) -> Sequence[str]:
        servers = self._servers.value()
        if servers is None:
            raise FaultError("dns_failure", "This machine has no name servers.")
        four, six = await asyncio.gather(
            self._records(servers, name, "A"), self._records(servers, name, "AAAA"), return_exceptions=True
        )
        found = [address for answer in (four, six) if isinstance(answer, list) for address in answer]
        if found:
            return found
        if isinstance(four, dns.resolver.NXDOMAIN) or isinstance(six, dns.resolver.NXDOMAIN):
            raise _absent(host)
        if four == six == []:
            raise FaultError("dns_nxdomain", f"The name {host} exists but has no address.")
        for problem in (four, six):
            if isinstance(problem, BaseException) and not isinstance(problem, dns.exception.DNSException | OSError):
                raise problem
        raise FaultError("dns_failure", f"No name server could tell the address of {host}.")

    async def _records(self, servers: dns.asyncresolver.Resolver, name: str, kind: str) -> list[str]:
        single = "." not in name
        wanted = name if single else dns.name.from_text(name + ".")
        answer = await servers.resolve(wanted, kind, search=single, lifetime=self._lifetime, raise_on_no_answer=False)
        return [record.address for record in answer] if answer.rrset is not None else []


class Resolver:
    """Overrides first; then the lookup. Knows nothing of what is allowed."""

    def __init__(self, overrides: Sequence[tuple[str, str]] = (), lookup: Lookup | None = None) -> None:
        table: dict[str, list[str]] = {}
        for host, address in overrides:
            table.setdefault(_plain(host), []).append(address)
        self._overrides: Mapping[str, list[str]] = table
        self._lookup = lookup or DnsLookup()

    def overridden(self, host: str) -> bool:
        """Whether the operator said where this host is."""
        return _plain(host) in self._overrides

    async def resolve(self, host: str) -> list[str]:
        """All addresses of a host, in the order they came, without doubles. Raises `FaultError`."""
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        known = self._overrides.get(_plain(host))
        if known is None and not fits(host):
            raise FaultError("dns_nxdomain", f"{host[:80]} is no name that the DNS can hold.")
        found = known if known is not None else await self._lookup(host)
        if not found:
            raise FaultError("dns_nxdomain", f"The name {host} exists but has no address.")
        return list(dict.fromkeys(found))


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def fits(host: str) -> bool:
    """Whether the DNS can hold a name: no empty label, none over 63 bytes, 253 together."""
    name = host.removesuffix(".")
    return len(name) <= LONGEST_NAME and all(0 < len(label) <= LONGEST_LABEL for label in name.split("."))


def _absent(host: str) -> FaultError:
    return FaultError("dns_nxdomain", f"The name {host} does not exist.")


class _Watched(Generic[T]):
    """What a file says, read again when it has changed."""

    def __init__(self, path: Path, read: Callable[[Path], T]) -> None:
        self._path, self._read = path, read
        self._stamp: int | None = -1
        self._value: T

    def value(self) -> T:
        """What it says now."""
        try:
            stamp = self._path.stat().st_mtime_ns
        except OSError:
            stamp = None
        if stamp != self._stamp:
            self._value, self._stamp = self._read(self._path), stamp
        return self._value


def _read_hosts(path: Path) -> Mapping[str, list[str]]:
    table: dict[str, list[str]] = {}
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return table
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        for name in names:
            table.setdefault(_plain(name), []).append(address)
    return table


def _read_servers(path: Path, port: int) -> dns.asyncresolver.Resolver | None:
    try:
        servers = dns.asyncresolver.Resolver(filename=str(path))
    except (dns.exception.DNSException, OSError, ValueError):
        return None
    servers.port = port
    return servers
