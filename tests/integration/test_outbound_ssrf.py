"""Addresses that must not be reached, tried for real: in a network namespace where every address is a trap of ours.

Cases come from `../shared/cases` (not part of the project); where they or namespaces are missing, the tests skip.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support import netns
from tests.support.drills import PUBLIC

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(netns.command() is None, reason="this machine gives no network namespaces: not tried here"),
]
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("CITEWATCH_EVIDENCE_DIR", ROOT / ".." / "shared"))
BY_STAGE = {
    "ip": {"private_address"},
    "host": {"private_address"},
    "port": {"blocked_port"},
    "scheme": {"scheme", "protocol_error"},
}
"""Faults that fit the stage at which a case is to be stopped; at `parse` any will do."""


TRAPPED = {None, "reset", "tls_hostname"}
"""Ends of a request that did reach the trap, which is no proper server on every port and for every name."""


def cases(name: str) -> list[dict[str, Any]]:
    path = SHARED / "cases" / name
    if not path.is_file():
        pytest.skip(f"no {name} here")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("robots", [False, True], ids=["page", "robots first"])
def test_no_url_reaches_what_it_must_not(robots: bool) -> None:
    rows = cases("ssrf_urls.jsonl")
    found = netns.call("tests.support.drills:urls", rows, robots)
    wrong = [problem for row, result in zip(rows, found, strict=True) if (problem := _url_problem(row, result))]
    assert not wrong, "\n".join(wrong)


def _url_problem(row: dict[str, Any], result: dict[str, Any]) -> str | None:
    told = f"{row['id']} {row['url'][:80]!r} ({row['reason']}): {result}"
    if row["expect"] == "allow":
        return None if result["reached"] and result["fault"] in TRAPPED else told
    fine = result["fault"] is not None and not result["reached"] and not result["statuses"]
    fitting = BY_STAGE.get(row["stage"])
    return None if fine and (fitting is None or result["fault"] in fitting) else told


@pytest.mark.parametrize("robots", [False, True], ids=["page", "robots first"])
def test_no_name_or_redirect_leads_where_it_must_not(robots: bool) -> None:
    rows = cases("ssrf_dns.jsonl")
    found = netns.call("tests.support.drills:names", rows, robots)
    wrong = [problem for row, result in zip(rows, found, strict=True) if (problem := _name_problem(row, result))]
    assert not wrong, "\n".join(wrong)


SETTLED: dict[str, str] = {
    "dns-038": "its second lookup is never made: the page is asked over the connection that was vetted",
    "dns-081": "a 200 is a page, whatever it says of other addresses; nothing in it is followed",
}
"""Cases marked `block` that end well without anything being blocked: only the public address is ever reached."""


def _name_problem(row: dict[str, Any], result: dict[str, Any]) -> str | None:
    told = f"{row['id']} {row['cls']} ({row['reason']}): {result}"
    if any(address != PUBLIC for address, _ in result["reached"]):
        return told
    if row["expect"] == "allow" or row["id"] in SETTLED:
        return None if result["fault"] is None and result["statuses"][-1:] == [200] else told
    return None if result["fault"] is not None else told


def test_dns_faults_are_told_apart() -> None:
    rows = [
        {"id": "1", "host": "a.net", "url": "http://a.net/", "answers": ["NXDOMAIN"], "redirects": None},
        {"id": "2", "host": "b.net", "url": "http://b.net/", "answers": ["SERVFAIL"], "redirects": None},
        {"id": "3", "host": "c.net", "url": "http://c.net/", "answers": ["SILENCE"], "redirects": None},
        {"id": "4", "host": "d.net", "url": "http://d.net/", "answers": [[]], "redirects": None},
    ]
    found = netns.call("tests.support.drills:names", rows, False)
    assert [one["fault"] for one in found] == ["dns_nxdomain", "dns_failure", "dns_failure", "dns_nxdomain"]


def test_a_name_is_asked_once_for_every_hop() -> None:
    steps = [{"status": 302, "location": "http://news-site.com/"}]
    row = {"id": "1", "host": "a.net", "url": "http://a.net/", "answers": [[PUBLIC]], "redirects": steps}
    (found,) = netns.call("tests.support.drills:names", [row], True)
    assert found["statuses"] == [302, 200]
    once = {"a.net A", "a.net AAAA", "news-site.com A", "news-site.com AAAA"}
    assert found["asked"] == dict.fromkeys(once, 1)


def test_a_webhook_of_ours_reaches_the_public_internet_and_nothing_else() -> None:
    posts: list[tuple[str, dict[str, Any]]] = [
        ("http://hooks.net/in", {"hooks.net": [[PUBLIC]]}),
        ("http://169.254.169.254/latest/meta-data/", {}),
        ("http://hooks.net/in", {"hooks.net": [["10.0.0.1"]]}),
        ("http://hooks.net/in", {"hooks.net": [[PUBLIC, "127.0.0.1"]]}),
        ("http://localhost/in", {}),
        ("http://hooks.net:25/", {"hooks.net": [[PUBLIC]]}),
        ("http://user:secret@hooks.net/", {"hooks.net": [[PUBLIC]]}),
    ]
    sent, *refused = netns.call("tests.support.drills:webhooks", posts)
    assert (sent["status"], sent["text"], sent["reached"]) == (200, "taken", [[PUBLIC, 80]])
    assert json.loads(sent["bodies"][0]) == {"alert": 1}
    assert [one["error"] for one in refused] == ["Forbidden"] * 6
    assert [one["reached"] for one in refused] == [[]] * 6
    assert not any("secret" in one["text"] for one in refused)
