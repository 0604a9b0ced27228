"""Where an answer sends a browser (WHATWG Fetch §4.4, RFC 9110 §15.4). Meta refreshes are pages, not redirects."""

from shared.outbound.egress import judge_text
from shared.outbound.exchange import Exchange, Fault
from shared.urls import UrlError, parse

REDIRECTS = frozenset({301, 302, 303, 307, 308})


def target_of(exchange: Exchange) -> str | Fault | None:
    """The absolute target without fragment; None where the answer is none; a fault where nobody could follow it."""
    location = exchange.header("location")
    if exchange.status not in REDIRECTS or not location:
        return None
    written = _utf8(location)
    try:
        target = parse(written, exchange.url)
    except UrlError as error:
        return Fault(error.reason, f"The server redirects to what is no address. {error.what}")
    if target.scheme not in ("http", "https"):
        return Fault("blocked_scheme", f"The server redirects to an address that begins with {target.scheme}:.")
    return judge_text(written, target) or target.href.partition("#")[0]


def _utf8(location: str) -> str:
    """Headers are read as latin-1; browsers take what is UTF-8 in a Location for UTF-8."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location
