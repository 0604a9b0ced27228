"""A process that serves: one HTTP surface and the work that goes on beside it, begun and ended together."""

import asyncio
import contextlib
import ctypes
import gc
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from shared.clock import Clock
from shared.errors import InputError, SettingError, Unavailable
from shared.outbound.client import Outbound
from shared.outbound.egress import AddressPolicy
from shared.outbound.resolver import Resolver
from shared.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shared.eventlog import EventLog

T = TypeVar("T")
Work = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Goes on until the event is set; one that falls brings the process down."""
STOP_WITHIN = 12
"""Seconds for requests and work in flight, once the end was asked for; what is cut off then has been told to nobody."""


COLLECT = 10_000, 20, 50
"""Objects made between two collections of the youngest; such rounds until the older are looked at, and the oldest."""


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on uvloop where it is installed."""
    give_back_memory()
    _settle()
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    done: T = uvloop.run(work)
    return done


def give_back_memory() -> None:
    """Have glibc return freed pages and texts to the system, which it keeps by default (mallopt(3)): half of the
    memory of a busy process. Elsewhere nothing is done.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for option, value in ((_MMAP_THRESHOLD, 32 * 1024), (_TRIM_THRESHOLD, 1024 * 1024), (_ARENA_MAX, 2)):
        mallopt(option, value)


_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""From glibc's malloc.h."""


def _settle() -> None:
    """What was imported and made up to here lives as long as the process: collections of garbage, which hold up all
    requests, need never look at it again. Of what is made later the most lives for one request or check: the young are
    looked at less often than by default, and the old far less.
    """
    gc.freeze()
    gc.set_threshold(*COLLECT)
    gc.enable()


def open_outbound(settings: Settings, clock: Clock) -> Outbound:
    """The one door to the outside, as the settings want it."""
    if settings.ca_file is not None and not settings.ca_file.is_file():
        raise SettingError(f"CITEWATCH_CA_FILE: there is no file {settings.ca_file}.", "Give the path of a PEM file.")
    return Outbound(
        AddressPolicy(settings.allow_networks),
        Resolver(settings.dns_overrides),
        user_agent=settings.user_agent,
        ca_file=settings.ca_file,
        clock=clock,
    )


async def log_ready(log: "EventLog") -> None:
    """A readiness probe of the event log. Raises `Unavailable` with what its consumers wait for."""
    for name, health in log.health.consumers.items():
        if not health.ready:
            raise Unavailable(
                f"{name}: {health.state} ({health.detail})" if health.detail else f"{name}: {health.state}"
            )


async def serve(app: "FastAPI", host: str, port: int, work: Sequence[Work]) -> None:
    """Until SIGINT or SIGTERM: no new request is taken, those in flight and the work beside them are finished."""
    import uvicorn

    from shared import listener

    most = listener.room()
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, backlog=most,
        http=listener.protocol(most), timeout_graceful_shutdown=STOP_WITHIN,
    )  # fmt: skip
    sockets = listening(host, port)
    server, stop = _server(uvicorn.Server)(config), asyncio.Event()

    def end(*_: object) -> None:
        """Both at once: what waits for the one must not come on top of what waits for the other."""
        server.should_exit = True
        stop.set()

    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, end)
    beside = asyncio.create_task(_together(work, stop))
    beside.add_done_callback(end)
    _settle()
    try:
        await server.serve(sockets)
    finally:
        stop.set()
        await asyncio.wait([beside], timeout=STOP_WITHIN)
        beside.cancel()
        await asyncio.wait([beside])
    if not beside.cancelled():
        beside.result()


def listening(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of the host. Raises `InputError` where nobody can be served there."""
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sockets.append(socket.create_server(address[:2], family=family))
    except (OSError, OverflowError, UnicodeError) as error:
        for one in sockets:
            one.close()
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"Nobody can be served on {host}, port {port}: {reason}.", "Choose others with --host and --port."
        ) from None
    return sockets


def _server(base: type[Any]) -> type[Any]:
    """A server that leaves signals to `serve`: uvicorn's own would raise them again, and cut our own end short."""

    class Quiet(base):  # type: ignore[misc]
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Quiet


async def _together(work: Sequence[Work], stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(one(stop))
