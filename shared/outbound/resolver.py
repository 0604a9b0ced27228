"""Names to addresses, once for every hop; tells a name that does not exist from name servers that do not answer."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address

from shared.outbound.exchange import FaultError

Lookup = Callable[[str], Awaitable[Sequence[str]]]
MOST = 8
"""Answers that are tried; all of them are vetted."""

_ABSENT = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


async def system_lookup(host: str) -> Sequence[str]:
    """The system's resolver. Raises `FaultError` dns_nxdomain or dns_failure."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except socket.gaierror as error:
        if error.errno in _ABSENT:
            raise FaultError("dns_nxdomain", f"The name {host} does not exist.") from None
        raise FaultError("dns_failure", f"No name server could tell the address of {host}.") from None
    except (UnicodeError, OSError):
        raise FaultError("dns_failure", f"The name {host} cannot be looked up.") from None
    return [str(address[0]) for *_, address in found]


class Resolver:
    """Overrides first, as curl's --resolve; then the lookup."""

    def __init__(self, overrides: Sequence[tuple[str, str]] = (), lookup: Lookup = system_lookup) -> None:
        self._overrides: Mapping[str, list[str]] = {}
        table: dict[str, list[str]] = {}
        for host, address in overrides:
            table.setdefault(host, []).append(address)
        self._overrides = table
        self._lookup = lookup

    def overridden(self, host: str) -> bool:
        """Whether the operator said where this host is."""
        return host.rstrip(".").lower() in self._overrides

    async def resolve(self, host: str) -> list[str]:
        """All addresses of a host, in the order they came, without doubles. Raises `FaultError`."""
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        known = self._overrides.get(host.rstrip(".").lower())
        found = known if known is not None else await self._lookup(host)
        if not found:
            raise FaultError("dns_nxdomain", f"The name {host} has no address.")
        return list(dict.fromkeys(found))
