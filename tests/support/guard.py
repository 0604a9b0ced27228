"""A second line behind network namespaces: in this process no socket is connected to, or sends to, anybody else.

Loaded by pytest (`pytest_plugins`). An audit hook sees every `connect` and `sendto` of Python, whoever makes it;
it refuses every address that is not loopback. Inside a namespace of a test's own (`tests/support/netns.py`) it is
absent.
"""

import sys
from ipaddress import ip_address
from typing import Any

EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class Strayed(BaseException):
    """A test tried to reach somebody. Not an `Exception`, so that no handler takes it for a failed connection."""


def _judge(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in EVENTS or not isinstance(arguments[1], tuple):
        return  # Unix sockets have a path
    host = arguments[1][0]
    try:
        fine = host in ("", "localhost") or ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        fine = False
    if not fine:
        raise Strayed(f"{event} to {arguments[1]!r}")


def pytest_configure() -> None:
    """Hooks cannot be taken away again: one for the whole run."""
    sys.addaudithook(_judge)
