"""What may be reached: an allow-list of addresses, ports, schemes and names.

Sources: IANA special-purpose address registries (RFC 6890 and successors), the bad ports of the WHATWG Fetch
standard, special-use names (RFC 6761, RFC 8375, RFC 9476). `ALLOW_NETWORKS` opens more, by operator's choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

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
PRIVATE_PORTS = frozenset({2375, 2376, 2379, 3306, 5432, 5672, 5984, 6379, 9042, 9092, 9200, 11211, 27017})
"""Data stores and engines: no page is cited there; refused save inside `ALLOW_NETWORKS`."""
SPECIAL_NAMES = frozenset(
    [
        "localhost",
        "localdomain",
        "local",
        "internal",
        "intranet",
        "lan",
        "home",
        "corp",
        "private",
        "test",
        "example",
        "invalid",
        "onion",
        "alt",
        "arpa",
        "home.arpa",
    ]
)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Judges addresses, never names: whatever a name resolves to must pass."""

    allow_networks: Sequence[Network] = ()

    def allows(self, address: str) -> bool:
        """Whether an address may be connected to. Scoped, mapped and malformed ones may not (mapped: as IPv4)."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            return self._opened(found.ipv4_mapped)
        return self._opened(found) or _public(found)

    def _opened(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.allow_networks if network.version == address.version)

    def opened(self, address: str) -> bool:
        """Whether an address lies in the operator's own `ALLOW_NETWORKS`."""
        return self._opened(ip_address(address))

    def judge_url(self, url: Url) -> Fault | None:
        """What forbids a URL before any name is resolved; None: nothing."""
        if url.scheme not in ("http", "https"):
            return Fault("scheme", f"Addresses that begin with {url.scheme}: cannot be checked.")
        if url.username or url.password:
            return Fault("userinfo", "The address carries a user name or a password.")
        if url.port in BAD_PORTS or (url.port in PRIVATE_PORTS and not self.allow_networks):
            return Fault("blocked_port", f"Port {url.port} is not used for pages.")
        if not self.allow_networks and _special(url.host):
            return Fault("private_address", f"{url.host} is a private name.")
        if _is_address(url.address) and not self.allows(url.address):
            return Fault("private_address", f"{url.host} is not a public address.")
        return None

    def judge_answers(self, host: str, answers: Sequence[str]) -> Fault | None:
        """One address that is not allowed blocks the name."""
        for address in answers:
            if not self.allows(address):
                return Fault("private_address", f"{host} leads to {address}, which is not a public address.")
        return None


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in block for block in NOT_PUBLIC_4)
    if address.scope_id is not None or address not in PUBLIC_6:
        return False
    return not any(address in block for block in NOT_PUBLIC_6)


def _is_address(host: str) -> bool:
    try:
        ip_network(host)
    except ValueError:
        return False
    return True


def _special(host: str) -> bool:
    labels = host.rstrip(".").lower().split(".")
    if _is_address(host.strip("[]")):
        return False
    return len(labels) == 1 or labels[-1] in SPECIAL_NAMES or ".".join(labels[-2:]) in SPECIAL_NAMES
