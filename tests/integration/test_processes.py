"""Work in processes of their own: opened under load, shared with the loop, and gone when nothing was to be done."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable

import pytest

from shared import processes, team
from shared.processes import FEW, Processes

MANY, DEEP = 3, 8


@pytest.fixture
async def few():
    made = Processes("testing", "pyclbr", many=MANY, deep=DEEP, most=1)
    yield made
    made.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def held(few: Processes, number: int, work: Callable[[], Awaitable[object]]) -> list[object]:
    async def one() -> object:
        with few.held():
            return await work()

    return await asyncio.gather(*(one() for _ in range(number)))


async def test_they_open_for_many_and_go_after_a_while_without_work(few: Processes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "IDLE", 0.05)
    await held(few, MANY, lambda: asyncio.sleep(0))
    assert few._opening is None
    assert set(await held(few, 1, lambda: few.run(os.getpid))) == {os.getpid()}, "a little is done in a thread"
    for _ in range(2):  # and they come back
        with few.held():
            await held(few, MANY, lambda: asyncio.sleep(0))
            await until(lambda: bool(few.ids))
            assert await held(few, 2, lambda: few.run(os.getpid)) == few.ids * 2
        await until(lambda: not few.ids)


async def test_what_is_in_the_processes_is_done_before_they_go(few: Processes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "IDLE", 0.0)
    with few.held():
        await held(few, MANY, lambda: asyncio.sleep(0))
        await until(lambda: bool(few.ids))
        left = asyncio.create_task(few.run(os.getpid))
    await until(lambda: not few.ids)
    assert await left != os.getpid()


async def test_a_full_queue_is_no_place_for_what_is_short(few: Processes):
    with few.held():
        await held(few, MANY, lambda: asyncio.sleep(0))
        await until(lambda: bool(few.ids))
        assert not few.crowded
        seen: list[bool] = []

        async def note() -> int:
            seen.append(few.crowded)
            return await few.run(os.getpid)

        await held(few, DEEP + MANY + 5, note)
        assert seen == [False] * (FEW - 1) + [True] * (DEEP - FEW + 1) + [False] * (MANY + 5)


async def test_one_thread_and_no_more_works_beside_the_loop(few: Processes):
    now, most = set[int](), list[int]()

    def work(number: int) -> None:
        now.add(number)
        most.append(len(now))
        time.sleep(0.002)
        now.remove(number)

    await asyncio.gather(*(few.run(work, number) for number in range(20)))
    assert most == [1] * 20


async def test_the_thread_rests_while_there_are_processes_and_goes_on_when_they_are_gone(few: Processes):
    with few.held():
        slow = asyncio.create_task(few.run(slowly))
        await held(few, MANY, lambda: asyncio.sleep(0))
        await until(lambda: bool(few.ids))
        there = few.ids
        assert await slow == os.getpid()
        assert set(await asyncio.gather(*(few.run(slowly) for _ in range(DEEP + 5)))) == set(there)
        few.close()
        assert set(await asyncio.gather(*(few.run(slowly) for _ in range(3)))) == {os.getpid()}


async def test_where_none_can_be_opened_the_thread_does_it_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(team.sys, "executable", "/bin/false")
    none = Processes("testing", "pyclbr", many=MANY, deep=DEEP, most=2)
    try:
        with none.held():
            await held(none, MANY, lambda: asyncio.sleep(0))
            await until(lambda: none._opening is not None and none._opening.done())
            assert none.ids == []
            assert await asyncio.gather(*(none.run(os.getpid) for _ in range(5))) == [os.getpid()] * 5
            assert await none.run_apart(os.getpid) == os.getpid()
    finally:
        none.close()


async def test_several_share_what_there_is():
    two = Processes("testing", "pyclbr", many=MANY, deep=DEEP, most=2)
    try:
        with two.held():
            await held(two, MANY, lambda: asyncio.sleep(0))
            await until(lambda: bool(two.ids))
            told = await asyncio.gather(*(two.run(slowly) for _ in range(DEEP)))
            assert sorted(set(told)) == two.ids
            assert len(two.ids) == 2
            assert {told.count(each) for each in two.ids} == {DEEP // 2}
    finally:
        two.close()


def slowly() -> int:
    time.sleep(0.005)
    return os.getpid()


class Unspeakable(Exception):
    """Comes out of no pickle."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} {other}")


def complain() -> None:
    raise Unspeakable(1, 2)


def unspeakable() -> object:
    return lambda: None


@pytest.mark.parametrize("work", [complain, unspeakable])
async def test_an_answer_that_cannot_be_handed_over_is_an_error_and_no_more(few: Processes, work: Callable[[], object]):
    with few.held():
        await held(few, MANY, lambda: asyncio.sleep(0))
        await until(lambda: bool(few.ids))
        there = few.ids
        for _ in range(2):
            with pytest.raises((TypeError, AttributeError)):
                await few.run(work)
            assert await few.run(os.getpid) in there


async def test_a_caller_that_is_gone_does_not_confuse_the_answers(few: Processes):
    with few.held():
        await held(few, MANY, lambda: asyncio.sleep(0))
        await until(lambda: bool(few.ids))
        there = few.ids
        given_up = asyncio.create_task(few.run(slowly))
        await asyncio.sleep(0)
        given_up.cancel()
        assert await few.run(abs, -3) == 3
        assert few.ids == there


async def test_a_large_piece_and_a_large_answer_come_whole(few: Processes):
    with few.held():
        await held(few, MANY, lambda: asyncio.sleep(0))
        await until(lambda: bool(few.ids))
        large = os.urandom(9_000_000)
        assert await few.run(bytes.hex, large) == large.hex()


def modules() -> set[str]:
    return set(sys.modules)


async def test_what_the_work_needs_is_there_before_it_comes(few: Processes):
    """`pyclbr` stands for it: nobody else imports that."""
    with few.held():
        await held(few, MANY, lambda: asyncio.sleep(0))
        await until(lambda: bool(few.ids))
        there = await few.run(modules)
    assert "pyclbr" in there
    assert "pyclbr" not in modules()


async def test_what_the_work_raises_comes_back(few: Processes):
    with few.held():
        await held(few, MANY, lambda: asyncio.sleep(0))
        await until(lambda: bool(few.ids))
        with pytest.raises(ValueError, match="invalid literal"):
            await few.run(int, "x")
