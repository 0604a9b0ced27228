"""Every outcome and reason that one answer can show."""

import pytest

from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Page
from services.linkcheck.core.verdict import judge
from shared.outbound.exchange import Fault

ARTICLE = Page(
    "text/html", title="The harbour at night", main="The harbour was quiet. " * 40, full="The harbour was quiet. " * 40
)


def seen(
    status: int = 200, page: Page | None = ARTICLE, url: str = "https://a.example/2020/harbour-night", *more: Hop
) -> Observation:
    return Observation(url=url, hops=(*more, Hop(url, status)), page=page)


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [(200, "ok", "content"), (401, "walled", "http_401"), (403, "walled", "http_403"), (402, "walled", "paywall"),
     (404, "gone", "http_404"), (410, "gone", "http_410"), (429, "walled", "http_429"), (451, "walled", "http_451"),
     (500, "server_error", "http_500"), (503, "server_error", "http_503"), (400, "walled", "http_400")],
)  # fmt: skip
def test_status(status: int, outcome: str, reason: str) -> None:
    verdict = judge(seen(status), History(), HostFacts())
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert verdict.signals


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("dns_nxdomain", "unreachable"), ("tls_expired", "unreachable"), ("redirect_loop", "unreachable"),
     ("private_address", "unsafe"), ("userinfo", "unsafe"), ("scheme", "unsupported"), ("robots", "walled")],
)  # fmt: skip
def test_fault(fault: str, outcome: str) -> None:
    verdict = judge(Observation("https://a.example/", fault=Fault(fault)), History(), HostFacts())
    assert (verdict.outcome, verdict.reason) == (outcome, fault)
