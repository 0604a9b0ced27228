"""What may be reached: an allow-list of addresses, ports, schemes and names.

    judge_text  a URL as it was written: what programs would read differently
    judge_url   a parsed URL, before any name is resolved
    judge       one address that a name resolved to; one bad answer blocks the name

Sources: IANA special-purpose address registries (RFC 6890 and successors), the bad ports of the WHATWG Fetch
standard, special-use names (RFC 6761, RFC 7686, RFC 8375, RFC 9476). `ALLOW_NETWORKS` opens more, by the operator's
choice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from shared.outbound.exchange import Fault
from shared.urls import Url

Network = IPv4Network | IPv6Network

NOT_PUBLIC_4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        "168.63.129.16/32",  # a cloud's host agent, on an address that looks public
    )
)  # fmt: skip
PUBLIC_6 = IPv6Network("2000::/3")
NOT_PUBLIC_6 = tuple(
    IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)  # fmt: skip
BAD_PORTS = frozenset(
    {
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
        109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526,
        530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659,
        4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    }
)  # fmt: skip
"""WHATWG Fetch, "bad port"."""
STORE_PORTS = frozenset({2375, 2376, 2379, 3306, 5432, 5672, 5984, 6379, 9042, 9092, 11211, 27017})
"""Data stores, brokers and engines: nobody cites a page there. Open inside `ALLOW_NETWORKS` only."""
LOCAL_NAMES = frozenset(
    "localhost localdomain local internal intranet lan home corp private arpa".split()  # noqa: SIM905
) | {"home.arpa", "metadata.goog"}
"""Names that mean something inside a network only, beside every name of a single label."""
RESERVED_NAMES = frozenset({"test", "example", "invalid"})
"""Never in the public DNS (RFC 6761 §6.2, §6.4, §6.5)."""
OTHER_NETWORKS = frozenset({"onion", "alt"})
"""Names of other systems than the DNS (RFC 7686, RFC 9476): never looked up."""

_AUTHORITY = re.compile(r"[a-z][a-z0-9+.-]*:[/\\]*([^/?#]*)", re.IGNORECASE)
_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Judges addresses, never names: whatever a name resolves to must pass."""

    allow_networks: tuple[Network, ...] = ()

    def allows(self, address: str) -> bool:
        """Whether an address may be connected to. IPv4-mapped ones count as IPv4; scoped and malformed ones may not."""
        return _allows(address, self.allow_networks)

    def opened(self, address: str) -> bool:
        """Whether an address lies in the operator's own `ALLOW_NETWORKS`."""
        return _opened(ip_address(address), self.allow_networks)

    def judge_url(self, url: Url, *, known: bool = False) -> Fault | None:
        """What forbids a URL before any name is resolved; None: nothing.

        `known`: the operator said where the host is (`DNS_OVERRIDES`), so that its name does not matter.
        """
        if url.scheme not in ("http", "https"):
            return Fault("scheme", f"Addresses that begin with {url.scheme}: cannot be checked.")
        if url.username or url.password:
            return Fault("userinfo", "The address carries a user name or a password.")
        if url.port in BAD_PORTS or (url.port in STORE_PORTS and not self.allow_networks):
            return _port_fault(url.port)
        if _is_address(url.address):
            return self.judge_answers(url, [url.address])
        if not known and self._unspeakable(url.host):
            return Fault("private_address", f"{url.host} is not a name of the public internet.")
        return None

    def _unspeakable(self, host: str) -> bool:
        if _ends_in(host, OTHER_NETWORKS) or not host.strip("."):
            return True
        return not self.allow_networks and (is_local(host) or _ends_in(host, RESERVED_NAMES))

    def judge_answers(self, url: Url, answers: Sequence[str]) -> Fault | None:
        """What forbids the addresses of a URL's host; one that is not allowed blocks the name."""
        for address in answers:
            if not self.allows(address):
                return Fault("private_address", _leads(url, address))
            if url.port in STORE_PORTS and not self.opened(address):
                return _port_fault(url.port)
        return None


@lru_cache(4096)
def _allows(address: str, networks: tuple[Network, ...]) -> bool:
    """Remembered, since every hop asks several times."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return False
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
    return _opened(found, networks) or _public(found)


def _opened(address: IPv4Address | IPv6Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _port_fault(port: int) -> Fault:
    return Fault("blocked_port", f"Port {port} is not used for pages.")


def _leads(url: Url, address: str) -> str:
    if _is_address(url.address):
        return f"{url.host} is not a public address."
    return f"{url.host} leads to {address}, which is not a public address."


def judge_text(text: str, url: Url) -> Fault | None:
    """What programs would read differently in a URL as it was written, beside what it was parsed to; None: nothing.

    Empty credentials and backslashes before the path: no link that is meant to be followed has them. Control characters
    and disguised addresses are refused by the parser itself.
    """
    authority = _AUTHORITY.match(text.strip())
    if authority is None or url.scheme not in ("http", "https"):
        return None
    if "\\" in text[: authority.end()]:
        return Fault("private_address", "The address has backslashes before its path: programs read that differently.")
    if "@" in authority[1]:
        return Fault("userinfo", "The address carries a user name or a password.")
    return None


def is_local(host: str) -> bool:
    """Whether a name means something inside a network only."""
    return "." not in host.strip(".") or _ends_in(host, LOCAL_NAMES)


def _ends_in(host: str, names: frozenset[str]) -> bool:
    labels = host.rstrip(".").split(".")
    return labels[-1] in names or ".".join(labels[-2:]) in names


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in block for block in NOT_PUBLIC_4)
    return address in PUBLIC_6 and not any(address in block for block in NOT_PUBLIC_6)


def _is_address(host: str) -> bool:
    return ":" in host or _IPV4.fullmatch(host) is not None
