"""Processes that do pieces of work, as their parent's event loop sees them (`piecework` is what runs inside).

The executors of the standard library hand a piece from thread to thread to pipe and back. Each change waits for the
interpreter while the loop computes, and only one piece ever lies ready for a process: under load it idled for a third
of the time. Here the loop itself writes to the process, as many pieces ahead as the caller likes.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar, TypeVarTuple, cast

from shared import piecework

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
OPENING = 60.0
"""Seconds for the processes to begin."""


class Broken(Exception):
    """The process died, or was ended, with this piece in hand."""


class Member(asyncio.Protocol):
    """One process. Answers come in the order of the pieces."""

    def __init__(self) -> None:
        self.pid = 0
        self._transport: asyncio.Transport | None = None
        self._asked: deque[asyncio.Future[Any]] = deque()
        self._got = bytearray()

    @property
    def in_hand(self) -> int:
        """Pieces that it has not answered."""
        return len(self._asked)

    async def do(self, job: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """Raises what the job raises, and `Broken`."""
        if self._transport is None or self._transport.is_closing():
            raise Broken
        self._transport.write(piecework.message((job, arguments)))
        done: T = await self._next()
        return done

    async def begin(self, connection: socket.socket) -> None:
        """Until it is ready for pieces."""
        ready = self._next()
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=connection)
        self.pid = await ready

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods alone

    def data_received(self, data: bytes) -> None:
        self._got += data
        while len(self._got) >= (start := piecework.LENGTH):
            end = start + int.from_bytes(self._got[:start], "big")
            if len(self._got) < end:
                return
            answer = bytes(memoryview(self._got)[start:end])
            del self._got[:end]
            self._settle(answer)

    def connection_lost(self, _: Exception | None) -> None:
        while self._asked:
            if not (future := self._asked.popleft()).done():
                future.set_exception(Broken())

    def _next(self) -> "asyncio.Future[Any]":
        future = asyncio.get_running_loop().create_future()
        self._asked.append(future)
        return future

    def _settle(self, answer: bytes) -> None:
        future = self._asked.popleft()
        if future.done():  # nobody waits for it any more
            return
        try:
            well, what = pickle.loads(answer)  # noqa: S301  from a process of ours
        except Exception as error:
            well, what = False, error
        if well:
            future.set_result(what)
        else:
            future.set_exception(what)


class Team:
    """Processes that begin and end together."""

    def __init__(self, process: "subprocess.Popen[bytes]", members: Sequence[Member]) -> None:
        self._process, self.members = process, members

    @classmethod
    async def open(cls, module: str, number: int) -> Self:
        """So many, when they have imported the module with the work. Raises `OSError`, `TimeoutError`, `Broken`."""
        pairs = [socket.socketpair() for _ in range(number)]
        ours, theirs = zip(*pairs, strict=True)
        try:
            process = _started(module, [each.fileno() for each in theirs])
        except OSError:
            for each in ours:
                each.close()
            raise
        finally:
            for each in theirs:
                each.close()
        team = cls(process, [Member() for _ in ours])
        try:
            async with asyncio.timeout(OPENING):
                for member, connection in zip(team.members, ours, strict=True):
                    connection.setblocking(False)
                    await member.begin(connection)
        except BaseException:
            team.close()
            for each in ours:
                each.close()
            raise
        return team

    def close(self) -> None:
        """End them now; what they have in hand is `Broken`."""
        if self._process.returncode is None:  # until it is waited for, the number of its group is nobody else's
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for member in self.members:
            member.close()


def _started(module: str, filenos: Sequence[int]) -> "subprocess.Popen[bytes]":
    """A group of its own, which Ctrl-C does not reach, with the modules that are found here."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return subprocess.Popen(  # noqa: S603  this very program
        [sys.executable, "-m", piecework.__name__, module, *map(str, filenos)],
        pass_fds=filenos, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
    )  # fmt: skip
