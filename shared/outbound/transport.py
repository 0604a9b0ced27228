"""The same door for everybody who speaks httpx: webhooks, Slack, mementos, archives.

httpx.AsyncClient(transport=SafeTransport(outbound), trust_env=False)
"""

import httpx

from shared.outbound.client import MAX_BODY, Outbound
from shared.outbound.coding import decode
from shared.outbound.exchange import Exchange, Fault, FaultReason

DEADLINE = 30.0
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers that the connection makes itself."""
_FRAMING = frozenset({"content-length", "transfer-encoding", "content-encoding"})
"""Headers that the body we hand on no longer obeys."""


class Forbidden(httpx.UnsupportedProtocol):
    """Our own policy forbids the address. `fault` says why."""

    def __init__(self, fault: Fault, request: httpx.Request) -> None:
        super().__init__(_words(fault), request=request)
        self.fault = fault


class SafeTransport(httpx.AsyncBaseTransport):
    """Vets, resolves once, connects to the vetted address; a connection for each request.

    Nothing is repeated: an error before the request was sent is a `ConnectError` or `ConnectTimeout` (or `Forbidden`),
    one after it a `ReadError`, `ReadTimeout` or `RemoteProtocolError`, when the far side may have acted on it.
    """

    def __init__(self, outbound: Outbound, *, deadline: float = DEADLINE, max_body: int = MAX_BODY) -> None:
        self._outbound, self._deadline, self._max_body = outbound, deadline, max_body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's side. The deadline is the longest of the request's timeouts, or this transport's own."""
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in request.headers.raw
            if name.decode("latin-1").lower() not in _OURS
        ]
        timeouts = [value for value in request.extensions.get("timeout", {}).values() if value is not None]
        try:
            found = await self._outbound.exchange(
                request.method, str(request.url), headers=headers, body=await request.aread(),
                deadline=max(timeouts, default=self._deadline), max_body=self._max_body,
            )  # fmt: skip
        except ValueError as error:
            raise httpx.LocalProtocolError(str(error), request=request) from error
        if isinstance(found, Fault):
            raise _error(found, request)
        if found.truncated is not None:
            raise httpx.ReadError(f"The answer was cut ({found.truncated}).", request=request)
        return _response(found, request, self._max_body)


def _response(exchange: Exchange, request: httpx.Request, limit: int) -> httpx.Response:
    """httpx would decode without bounds, so it gets what is decoded already."""
    body, cut = decode(exchange, limit)
    if cut:
        raise httpx.DecodingError("The answer cannot be decoded, or is too large.", request=request)
    return httpx.Response(
        exchange.status,
        headers=[(name, value) for name, value in exchange.headers if name.lower() not in _FRAMING],
        content=body,
        request=request,
        extensions={"http_version": b"HTTP/1.1", "exchange": exchange},
    )


_ERRORS: dict[FaultReason, type[httpx.TransportError]] = {
    "dns_nxdomain": httpx.ConnectError,
    "dns_failure": httpx.ConnectError,
    "connect_refused": httpx.ConnectError,
    "connect_timeout": httpx.ConnectTimeout,
    "tls_expired": httpx.ConnectError,
    "tls_hostname": httpx.ConnectError,
    "tls_untrusted": httpx.ConnectError,
    "read_timeout": httpx.ReadTimeout,
    "total_timeout": httpx.ReadTimeout,
    "reset": httpx.ReadError,
    "protocol_error": httpx.RemoteProtocolError,
}


def _error(fault: Fault, request: httpx.Request) -> httpx.TransportError:
    kind = _ERRORS.get(fault.reason)
    return Forbidden(fault, request) if kind is None else kind(_words(fault), request=request)


def _words(fault: Fault) -> str:
    return f"{fault.detail} ({fault.reason})"
