"""A worker's places: how many runs it takes, when it looks, when it leaves a message to others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from trajectories import intake
from trajectories.intake import Intake
from trajectories.store import Holder

NOBODY = UUID(int=0)


class Waiting:
    """Runs that wait, and those that were begun, each until it is ended."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.looks = 0
        self.failures: list[Exception] = []
        self.begun: list[asyncio.Event] = []

    async def take(self, places: int) -> list[Holder]:
        self.looks += 1
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop()
        taken = min(places, self.count)
        self.count -= taken
        return [Holder(NOBODY, NOBODY, "worker", number) for number in range(taken)]

    def begin(self, _holder: Holder) -> "asyncio.Task[None]":
        end = asyncio.Event()
        self.begun.append(end)

        async def work() -> None:
            await end.wait()

        return asyncio.create_task(work())


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def filled(waiting: Waiting, places: int, look_seconds: float = 60) -> AsyncIterator[Intake]:
    made = Intake(places, waiting.take, waiting.begin, look_seconds=look_seconds)
    await settled()
    yield made
    await made.close()


async def test_takes_what_waits_until_its_places_are_full() -> None:
    waiting = Waiting(5)
    async with filled(waiting, places=3):
        assert (len(waiting.begun), waiting.count, waiting.looks) == (3, 2, 1)


async def test_takes_no_more_than_some_at_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_AT_ONCE", 2)
    waiting = Waiting(5)
    async with filled(waiting, places=10):
        assert (len(waiting.begun), waiting.looks) == (5, 4)


async def test_place_that_gets_free_is_filled_without_a_message() -> None:
    waiting = Waiting(5)
    async with filled(waiting, places=3):
        waiting.begun[1].set()
        await settled()
        assert (len(waiting.begun), waiting.count) == (4, 1)


async def test_looks_once_and_then_waits_for_a_message() -> None:
    waiting = Waiting()
    async with filled(waiting, places=3) as made:
        assert waiting.looks == 1
        waiting.count = 2
        assert await made.offer()
        await settled()
        assert (len(waiting.begun), waiting.count) == (2, 0)


async def test_message_that_comes_while_it_looks_is_not_missed() -> None:
    waiting = Waiting()
    made = Intake(3, waiting.take, waiting.begin, look_seconds=60)
    await asyncio.sleep(0)
    assert waiting.looks == 1
    assert await made.offer()
    await settled()
    assert waiting.looks == 2
    await made.close()


async def test_many_messages_at_once_are_few_looks() -> None:
    waiting = Waiting()
    async with filled(waiting, places=3) as made:
        assert await asyncio.gather(*(made.offer() for _ in range(100))) == [True] * 100
        await settled()
        assert 2 <= waiting.looks < 5


async def test_looks_by_itself_after_a_while() -> None:
    waiting = Waiting()
    async with filled(waiting, places=3, look_seconds=0.01):
        waiting.count = 1
        await asyncio.sleep(0.1)
        assert len(waiting.begun) == 1


async def test_full_worker_holds_a_message_only_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "HOLD_SECONDS", 0.05)
    waiting = Waiting(2)
    async with filled(waiting, places=1) as made:
        assert not await made.offer()
        held = asyncio.create_task(made.offer())
        await asyncio.sleep(0)
        waiting.begun[0].set()
        assert await held
        await settled()
        assert len(waiting.begun) == 2


async def test_look_that_fails_is_made_again(caplog: pytest.LogCaptureFixture) -> None:
    waiting = Waiting(1)
    waiting.failures = [OSError("away")]
    async with filled(waiting, places=1, look_seconds=0.01):
        assert not waiting.begun
        await asyncio.sleep(0.1)
        assert len(waiting.begun) == 1
    assert "cannot look for runs to take" in caplog.text


async def test_closed_intake_takes_nothing_and_refuses_messages() -> None:
    waiting = Waiting(1)
    async with filled(waiting, places=1) as made:
        held = asyncio.create_task(made.offer())
        await asyncio.sleep(0)
    assert not await held
    waiting.count = 1
    assert not await made.offer()
    waiting.begun[0].set()
    await settled()
    assert (len(waiting.begun), waiting.count) == (1, 1)


async def test_run_that_is_claimed_while_it_closes_is_begun() -> None:
    waiting = Waiting(1)
    made = Intake(1, waiting.take, waiting.begin, look_seconds=60)
    await asyncio.sleep(0)
    await made.close()
    assert (len(waiting.begun), waiting.count) == (1, 0)
