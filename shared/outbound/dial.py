"""Connecting: to exactly the address that was vetted, with TLS that is always verified; every failure has its name."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi

from shared.errors import SettingError
from shared.outbound.exchange import FaultError, FaultReason, Peer
from shared.outbound.proxy import Proxy, tunnel
from shared.outbound.sockets import connected
from shared.outbound.wire import Connection

MOST = 6
"""Addresses of one host that are tried; all of them were vetted."""
ONE_OF_MANY = 4.0
"""Seconds for an address to accept while there are others …"""
LAST = 10.0
"""… and for the last one."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """An open connection, and how long it took."""

    connection: Connection
    peer: Peer
    connect: float
    tls: float | None


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """The system's trust anchors (Mozilla's where the system has none), and one more file of them.

    Raises `SettingError` for a file that holds none.
    """
    paths = ssl.get_default_verify_paths()
    bare = paths.cafile is None and not (paths.capath and any(Path(paths.capath).glob("*.0")))
    context = ssl.create_default_context(cafile=certifi.where() if bare else None)
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=str(ca_file))
        except OSError:  # ssl.SSLError is one
            raise SettingError(
                f"CITEWATCH_CA_FILE: no certificates can be read from {ca_file}.", "Name a file of PEM certificates."
            ) from None
    return context


async def dial(
    host: str, addresses: Sequence[str], port: int, tls: ssl.SSLContext | None, until: float,
    proxy: Proxy | None = None,
) -> Dialled:  # fmt: skip
    """Connect to the first of the vetted addresses that accepts. `until`: loop time.

    Raises `FaultError`; `NoWayOut` when the proxy does not do its part.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    if proxy is None:
        plain, address = await _first(host, addresses[:MOST], port, until)
    else:
        plain, address = await tunnel(proxy, host, addresses[0], port, until), addresses[0]
    connected = loop.time()
    try:
        async with asyncio.timeout_at(until):
            transport, connection = await _attach(plain, tls, host.rstrip(".") if tls else None)
    except TimeoutError:
        raise FaultError("connect_timeout", f"{host} accepted the connection but not TLS in time.") from None
    except OSError as error:
        raise _tls_fault(host, error) from None
    shaken = loop.time() - connected if tls else None
    return Dialled(
        connection, _peer(address, port, transport, proxy.name if proxy else None), connected - started, shaken
    )


async def _attach(
    plain: socket.socket, tls: ssl.SSLContext | None, server_name: str | None
) -> tuple[asyncio.Transport, Connection]:
    """Give a connected socket to the protocol, through TLS when asked."""
    patience = 60 if tls else None  # never reached: the caller's deadline comes first
    try:
        return await asyncio.get_running_loop().create_connection(
            Connection, sock=plain, ssl=tls, server_hostname=server_name, ssl_handshake_timeout=patience
        )
    except BaseException:
        plain.close()
        raise


async def _first(host: str, addresses: Sequence[str], port: int, until: float) -> tuple[socket.socket, str]:
    """A socket connected to the first address that accepts."""
    loop = asyncio.get_running_loop()
    failures: list[OSError] = []
    for address in addresses:
        patience = LAST if address == addresses[-1] else ONE_OF_MANY
        try:
            async with asyncio.timeout_at(min(until, loop.time() + patience)):
                return await connected(address, port), address
        except OSError as error:  # TimeoutError is one
            failures.append(error)
        if loop.time() >= until:
            break
    telling = next((error for error in failures if error.errno not in _NO_ROUTE), failures[0])
    raise _connect_fault(telling, host, port)


_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""Says more about us than about the host, where another address of it failed otherwise."""


def _connect_fault(error: OSError, host: str, port: int) -> FaultError:
    if isinstance(error, ConnectionRefusedError):
        return FaultError("connect_refused", f"{host} refuses connections on port {port}.")
    if isinstance(error, ConnectionResetError | ConnectionAbortedError):
        return FaultError("reset", f"{host} closed the connection at once.")
    if isinstance(error, TimeoutError):
        return FaultError("connect_timeout", f"{host} did not accept a connection in time.")
    return FaultError("connect_timeout", f"{host} cannot be reached ({errno.errorcode.get(error.errno or 0, '?')}).")


def _peer(address: str, port: int, transport: asyncio.Transport, via: str | None) -> Peer:
    """Who answered. The chain is as the server sent it (leaf first): evidence of what was shown, not of what holds."""
    secure = transport.get_extra_info("ssl_object")
    if secure is None:
        return Peer(address, port, via=via)
    return Peer(address, port, secure.version(), _chain(secure), via)


def _chain(secure: Any) -> tuple[bytes, ...]:
    if hasattr(secure, "get_unverified_chain"):  # Python 3.13
        return tuple(secure.get_unverified_chain())
    inner: Any = getattr(secure, "_sslobj", None)
    if hasattr(inner, "get_unverified_chain"):
        return tuple(one.public_bytes(_DER) for one in inner.get_unverified_chain() or ())
    leaf = secure.getpeercert(binary_form=True)
    return (leaf,) if leaf else ()


_DER = 2
"""`_ssl.ENCODING_DER`."""
_VERIFY_REASONS: dict[int, FaultReason] = {
    9: "tls_expired",  # not yet valid
    10: "tls_expired",
    62: "tls_hostname",
    64: "tls_hostname",  # the same for an address
}
"""OpenSSL's X509_V_ERR_*; every other failed verification is a matter of trust."""


def _tls_fault(host: str, error: OSError) -> FaultError:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _VERIFY_REASONS.get(error.verify_code, "tls_untrusted")
        return FaultError(reason, f"The certificate of {host} does not hold: {error.verify_message.rstrip('.')}.")
    if isinstance(error, ssl.SSLError):
        return FaultError("protocol_error", f"TLS could not be agreed on with {host}: {error.reason or 'no reason'}.")
    return FaultError("reset", f"{host} closed the connection during the TLS handshake.")
