"""Every reason that a check or an article can give, by outcome: CONTRACT §2's, and finer ones of our own.

A reason is a word of the API. One that is not in this table is a mistake; a test has a case over a real socket for
each that is. Statuses are a family: whatever the server says is a reason of its own.
"""

import re
from collections.abc import Mapping

from shared.events import Outcome

REASONS: Mapping[Outcome, frozenset[str]] = {
    "ok": frozenset({"content", "not_modified", "unchanged"}),
    "moved": frozenset({"permanent_redirect", "scheme_upgrade", "host_change"}),
    "gone": frozenset({"http_404", "http_410"}),
    "soft_404": frozenset({"not_found_text", "same_as_missing_path", "empty", "shows_home"}),
    "redirected_away": frozenset({"to_home", "to_hub", "to_unrelated"}),
    "parked": frozenset({"for_sale", "parking_page", "unclaimed_service", "taken_over"}),
    "walled": frozenset({
        "login", "consent", "paywall", "bot_challenge", "network_block", "robots", "http_401", "http_403", "http_407",
        "http_429", "http_451", "http_999",
    }),
    "server_error": frozenset({"http_500", "http_502", "http_503", "http_504", "maintenance", "proxy_error"}),
    "unreachable": frozenset({
        "dns_nxdomain", "dns_failure", "connect_refused", "connect_timeout", "read_timeout", "total_timeout",
        "tls_expired", "tls_hostname", "tls_untrusted", "reset", "protocol_error", "redirect_loop",
        "too_many_redirects",
    }),
    "unsafe": frozenset({"private_address", "blocked_port", "blocked_scheme", "userinfo"}),
    "unsupported": frozenset({"scheme", "too_large", "media_type", "redirect_without_target"}),
    "missing_target": frozenset({"placeholder", "empty", "script", "relative"}),
}  # fmt: skip
_FAMILIES: Mapping[Outcome, str] = {"walled": r"http_(?:4|[6-9])\d\d", "server_error": r"http_5\d\d"}
"""Statuses that have no row of their own (RFC 9110 §15: any code of a class is understood as the class)."""


def is_known(outcome: Outcome, reason: str) -> bool:
    """Whether an outcome may have this reason."""
    family = _FAMILIES.get(outcome)
    return reason in REASONS[outcome] or (family is not None and re.fullmatch(family, reason) is not None)
