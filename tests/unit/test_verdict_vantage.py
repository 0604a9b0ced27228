"""Our own fault, and the second way out."""

from datetime import timedelta

from services.linkcheck.core.model import Hop, Observation, Standing, Verdict
from services.linkcheck.core.transitions import ConfirmationRules
from services.linkcheck.core.vantage import Recent, combined, doubtful, our_fault, wants_second_opinion
from shared.outbound.exchange import Fault

DOWN = Observation("https://canary.example/", fault=Fault("dns_failure"))
UP = Observation("https://canary.example/", hops=(Hop("https://canary.example/", 503),))
RULES = ConfirmationRules(3, timedelta(hours=72))
GONE, OK, WALL = Verdict("gone", "http_404"), Verdict("ok", "content"), Verdict("walled", "http_403")


def test_canaries_tell_our_own_failure() -> None:
    assert our_fault([DOWN, DOWN], Recent(1, 1))
    assert not our_fault([DOWN, UP], Recent(9, 9)), "one that answers, with whatever status, is a way out"
    assert doubtful(DOWN)
    assert not doubtful(UP)
    assert not doubtful(Observation("https://a.example/", fault=Fault("redirect_loop")))


def test_without_canaries_most_hosts_failing_at_once_tells_it() -> None:
    assert our_fault([], Recent(10, 8))
    assert not our_fault([], Recent(10, 3))
    assert not our_fault([], Recent(2, 2)), "too few to tell"


def test_the_second_way_is_asked_before_the_last_strike_only() -> None:
    assert not wants_second_opinion(Standing("suspect", failures=1), GONE, RULES, 1)
    assert wants_second_opinion(Standing("suspect", failures=2), GONE, RULES, 1)
    assert not wants_second_opinion(Standing("suspect", failures=2), GONE, RULES, 0)
    assert not wants_second_opinion(Standing("suspect", failures=2), OK, RULES, 1)
    assert not wants_second_opinion(Standing("dead", failures=9), GONE, RULES, 1)


def test_how_the_second_answer_counts() -> None:
    assert combined(GONE, OK).outcome == "ok"
    assert combined(GONE, Verdict("unreachable", "dns_nxdomain")).reason == "http_404"
    assert combined(GONE, WALL).outcome == "walled"
    assert all(one.signals for one in (combined(GONE, OK), combined(GONE, WALL), combined(GONE, GONE)))
