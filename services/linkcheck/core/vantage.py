"""Whose fault is it? Canaries tell our own network's failure; a second way out tells one that only we meet.

Both are rules about numbers and values; who fetches the canaries and asks the proxies is not decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.linkcheck.core.model import Observation, Signal, Standing, Verdict
from services.linkcheck.core.transitions import FAILING, GOOD, ConfirmationRules, advance

NETWORK_FAULTS = frozenset(
    {"dns_failure", "dns_nxdomain", "connect_refused", "connect_timeout", "read_timeout", "total_timeout", "reset",
     "protocol_error", "tls_untrusted", "tls_hostname", "tls_expired"}
)  # fmt: skip
"""Faults that a broken way out of ours may make too; a captive portal is why TLS is among them."""
LOOKED_UP = frozenset({"dns_failure", "dns_nxdomain"})
"""What name servers say: names are looked up by us, whatever the way out."""
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


def wants_second_opinion(
    standing: Standing, verdict: Verdict, at: datetime, rules: ConfirmationRules, proxies: int
) -> bool:
    """Whether a second way out is to be asked: there is one, and this check would be the one that confirms a death."""
    return proxies > 0 and standing.status != "dead" and advance(standing, verdict, at, rules).status == "dead"


def overruled(first: Verdict, second: Verdict) -> bool:
    """Whether what the second way found counts: where it does not fail, or has the answer that the first lacks."""
    return second.outcome not in FAILING or (first.outcome == "unreachable" and second.outcome != "unreachable")


def combined(first: Verdict, second: Verdict) -> Verdict:
    """What counts when both ways were asked: never death where they disagree.

    A good answer by any way is a good answer. What proves nothing on the second way (a wall, a picture) leaves the
    first failure no strike either. A failure there confirms the failure; the verdict that rests on an HTTP answer is
    kept, and both are named. Where the second way lacks the name servers' answer too, it has told nothing of its own:
    they are the same.
    """
    if not overruled(first, second):
        if second.reason in LOOKED_UP:
            return _with(first, "the other way out asks the same name servers: it cannot tell more")
        return _with(first, f"another way out fails too: {second.outcome}, {second.reason}", at_least=0.95)
    told = f"our own way out finds: {first.outcome}, {first.reason}"
    if second.outcome in GOOD:
        return _with(second, f"another way out reaches the page, {told}", at_most=0.9)
    if second.outcome in FAILING:
        return _with(second, f"another way out fails too, with an answer; {told}", at_least=0.95)
    return _with(second, f"another way out proves nothing; {told}", at_most=0.5)


def without(first: Verdict) -> Verdict:
    """What counts when no second way out did its part: the rule without one, and that is said."""
    text = "no other way out could be asked: no proxy did its part"
    return replace(first, signals=(*first.signals, Signal("no_second_vantage", text)))


def _with(verdict: Verdict, text: str, *, at_least: float = 0.0, at_most: float = 1.0) -> Verdict:
    return replace(
        verdict,
        confidence=min(max(verdict.confidence, at_least), at_most),
        signals=(*verdict.signals, Signal("second_vantage", text)),
    )
