"""The listening side of a process: how many may be connected, and how long one may take to ask.

uvicorn waits for ever for a request that was begun, and takes connections until the process has no file left to open.
Here a head must come within `HEAD_SECONDS`, and of too many connections the one that has waited longest goes.
"""

import asyncio
import resource
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""From the connection, or the first byte of a further request, to the end of its head."""
MOST = 1000
"""Connections at one time, where the limit of open files allows as many."""
FILES = 65_536
"""Open files that we ask for, if the system lets us."""


def room() -> int:
    """Connections to take: an eighth of the files we may open, for fetches, archive and database need theirs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # some systems name a higher limit than they grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return MOST if soft == resource.RLIM_INFINITY else max(8, min(MOST, soft // 8))


def protocol(most: int, head_seconds: float = HEAD_SECONDS) -> type[HttpToolsProtocol]:
    """uvicorn's protocol for one server, with these bounds."""
    waiting: dict[Any, None] = {}
    """Connections without a request in hand, the longest waiting first."""

    class Bounded(HttpToolsProtocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            waiting[self] = None
            self._must_ask()
            if len(self.connections) > most:
                next(iter(waiting)).transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            self._has_asked()
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._must_ask()

        def on_headers_complete(self) -> None:
            self._has_asked()
            super().on_headers_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self.transport.is_closing():
                waiting[self] = None

        def _must_ask(self) -> None:
            if self._deadline is None:
                self._deadline = self.loop.call_later(head_seconds, self.transport.close)

        def _has_asked(self) -> None:
            waiting.pop(self, None)
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Bounded
