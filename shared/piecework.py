"""Inside the processes of `team`: one piece after the other as they come, until nobody is there who sends them.

    python -m shared.piecework MODULE FILENO…

A process for every socket, forked when `MODULE` is imported: what was imported lies in memory once. A message, either
way, is eight bytes for the length and a pickle. A piece is a function and its arguments; an answer is whether it
returned, and what it returned or raised. The first answer, to no piece, is the process's id.
"""

import copyreg
import gc
import importlib
import os
import pickle
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from io import BytesIO
from operator import attrgetter
from typing import Any, BinaryIO

LENGTH = 8
NICER = 5
"""By how much the event loop goes before (nice(2)): it is what feeds them."""


class _Reducers(dict[type, Callable[[Any], Any]]):
    """How objects are taken apart. For a dataclass with slots the standard library asks for the list of its fields at
    every single object, on either side: three times as long as to take the values, and to make another of them.
    """

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        if not _is_plain(kind):
            raise KeyError(kind)
        names = [field.name for field in fields(kind)]
        values = attrgetter(*names) if len(names) > 1 else lambda one: (getattr(one, names[0]),)
        self[kind] = lambda one: (kind, values(one))
        return self[kind]


def _is_plain(kind: type) -> bool:
    """Whether a class is a dataclass with slots whose values alone, in order, make another."""
    if not is_dataclass(kind) or "__slots__" not in vars(kind) or hasattr(kind, "__post_init__"):
        return False
    return bool(fields(kind)) and all(field.init and not field.kw_only for field in fields(kind))


_REDUCERS = _Reducers(copyreg.dispatch_table)


def message(value: object) -> bytes:
    """What goes through a socket."""
    body = BytesIO(bytes(LENGTH))
    body.seek(LENGTH)
    pickler = pickle.Pickler(body, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _REDUCERS
    pickler.dump(value)
    length = body.tell() - LENGTH
    body.seek(0)
    body.write(length.to_bytes(LENGTH, "big"))
    return body.getvalue()


def main() -> None:
    """Nobody outlives the parent, whatever ended it."""
    importlib.import_module(sys.argv[1])
    os.nice(NICER)
    gc.freeze()  # a collection would write to all that is shared
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    connections = [socket.socket(fileno=int(fileno)) for fileno in sys.argv[2:]]
    mine = connections[0]
    for other in connections[1:]:
        if os.fork() == 0:
            mine = other
            break
    for other in connections:
        if other is not mine:
            other.close()
    _serve(mine)


def _serve(connection: socket.socket) -> None:
    threading.Thread(target=_end_with_parent, args=(connection.fileno(),), daemon=True).start()
    connection.sendall(message((True, os.getpid())))
    pieces = connection.makefile("rb")
    while length := pieces.read(LENGTH):
        connection.sendall(_answer(pieces, int.from_bytes(length, "big")))


def _answer(pieces: BinaryIO, length: int) -> bytes:
    try:
        job, arguments = pickle.loads(pieces.read(length))  # noqa: S301  from our parent
        return message((True, job(*arguments)))
    except Exception as error:
        error.add_note(traceback.format_exc())
        return message((False, error))


def _end_with_parent(fileno: int) -> None:
    """Not at the next piece, but in the middle of one."""
    poll = select.poll()
    poll.register(fileno, 0)  # a hang-up is always told
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
