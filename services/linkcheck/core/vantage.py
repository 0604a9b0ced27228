"""Whose fault is it? Canaries tell our own network's failure; a second way out tells one that only we meet.

Both are rules about numbers and values; who fetches the canaries and asks the proxies is not decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.linkcheck.core.model import Observation, Signal, Standing, Verdict
from services.linkcheck.core.transitions import FAILING, GOOD, ConfirmationRules

NETWORK_FAULTS = frozenset(
    {"dns_failure", "dns_nxdomain", "connect_refused", "connect_timeout", "read_timeout", "total_timeout", "reset",
     "protocol_error", "tls_untrusted", "tls_hostname", "tls_expired"}
)  # fmt: skip
"""Faults that a broken way out of ours may make too; a captive portal is why TLS is among them."""
SHARE = 0.6
"""From this share of network faults among recent checks of different hosts on, our own network is suspected …"""
LEAST = 5
"""… provided that so many hosts were tried."""


@dataclass(frozen=True, slots=True)
class Recent:
    """Recent checks, each host counted once, by its last."""

    hosts: int
    faulty: int
    """Hosts whose last check ended in a network fault."""


def doubtful(observation: Observation) -> bool:
    """Whether a check could have failed by our own fault: only then are canaries worth asking."""
    return observation.fault is not None and observation.fault.reason in NETWORK_FAULTS


def our_fault(canaries: Sequence[Observation], recent: Recent) -> bool:
    """Whether our own way out has failed, so that no verdict may be made.

    With canaries: when not one of them answers, whatever the status. Without: when most hosts fail at once.
    """
    if canaries:
        return all(not canary.hops or canary.fault is not None for canary in canaries)
    return recent.hosts >= LEAST and recent.faulty / recent.hosts >= SHARE


def wants_second_opinion(standing: Standing, verdict: Verdict, rules: ConfirmationRules, proxies: int) -> bool:
    """Whether a second way out is to be asked: there is one, and this failing check may be the last strike."""
    return (
        proxies > 0
        and verdict.outcome in FAILING
        and standing.status != "dead"
        and standing.failures + 1 >= rules.checks
    )


def combined(first: Verdict, second: Verdict) -> Verdict:
    """What counts when both ways were asked. A good answer by any way is a good answer.

    A wall on the second way proves nothing, so the first failure does not count as a strike either: the link is as
    walled from there. Anything else from there confirms the failure; its own verdict is kept, with both named.
    """
    if second.outcome in GOOD:
        seen = Signal("second_vantage", "another way out reaches the page: only we do not")
        return replace(second, confidence=min(second.confidence, 0.9), signals=(*second.signals, seen))
    if second.outcome in FAILING:
        seen = Signal("second_vantage", f"another way out fails too: {second.reason}")
        return replace(first, confidence=max(first.confidence, 0.95), signals=(*first.signals, seen))
    seen = Signal("second_vantage", f"another way out proves nothing: {second.outcome}, {second.reason}")
    return replace(second, outcome="walled", signals=(*first.signals, seen), confidence=0.5)
