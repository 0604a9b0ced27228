"""Tests of modules that say `BOTH_LOOPS = True` run on asyncio's own loop and on uvloop, as the program does."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """pytest-asyncio's hook: the loops of one test by name."""
    plain: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    both = getattr(getattr(item, "module", None), "BOTH_LOOPS", False)
    return plain | {"uvloop": uvloop.new_event_loop} if both else plain
