"""Tasks end, also those that swallow a cancellation."""

import asyncio

import pytest

from trajectories.stopping import stop, to_the_end


async def test_task_that_swallows_a_cancellation_ends() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.sleep(60)

    task, plain = asyncio.create_task(stubborn()), asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    await stop(task, plain)
    assert (task.cancelled(), plain.cancelled(), swallowed) == (True, True, 2)


async def test_ended_task_is_left_alone() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await task
    await stop(task)
    await stop()
    assert task.result() == "done"


async def test_work_that_must_end_outlives_a_cancellation() -> None:
    done = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        done.append("work")

    task = asyncio.create_task(to_the_end(work()))
    for _ in range(3):
        await asyncio.sleep(0.01)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["work"]


async def test_failure_of_work_that_must_end_is_raised() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await to_the_end(work())
