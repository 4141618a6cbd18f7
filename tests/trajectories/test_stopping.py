"""Tasks end, also those that swallow a cancellation."""

import asyncio

from trajectories.stopping import stop


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
