"""Places of a run tree."""

import asyncio

import pytest

from sandbox.admission import Admission


async def waiting(admission: Admission, tree: str, depth: int) -> "asyncio.Task[None]":
    task = asyncio.create_task(admission.enter(tree, depth))
    await asyncio.sleep(0)
    return task


async def test_limit_holds_and_first_come_is_first_served() -> None:
    admission = Admission(2)
    await admission.enter("t", 1)
    await admission.enter("t", 1)
    first, second = await waiting(admission, "t", 1), await waiting(admission, "t", 1)
    assert not first.done()
    admission.leave("t", 1)
    await asyncio.sleep(0)
    assert (first.done(), second.done()) == (True, False)
    second.cancel()


async def test_deepest_goes_first() -> None:
    admission = Admission(1)
    await admission.enter("t", 3)
    shallow, deep = await waiting(admission, "t", 1), await waiting(admission, "t", 2)
    admission.leave("t", 3)
    await asyncio.sleep(0)
    assert (shallow.done(), deep.done()) == (False, True)
    admission.leave("t", 2)
    await shallow


async def test_child_of_a_full_tree_is_admitted_so_that_it_can_go_on() -> None:
    admission = Admission(2)
    await admission.enter("t", 0)
    await admission.enter("t", 1)
    await asyncio.wait_for(admission.enter("t", 2), 1)
    sibling = await waiting(admission, "t", 2)
    assert not sibling.done()
    await asyncio.wait_for(admission.enter("t", 3), 1)
    admission.leave("t", 3)
    admission.leave("t", 2)
    await asyncio.wait_for(sibling, 1)


async def test_trees_do_not_wait_for_each_other_and_unnamed_ones_not_at_all() -> None:
    admission = Admission(1)
    await admission.enter("a", 0)
    await admission.enter("b", 0)
    for _ in range(5):
        await admission.enter("", 0)
    admission.leave("", 0)


@pytest.mark.parametrize("granted", [False, True])
async def test_cancelled_wait_leaves_no_place_behind(granted: bool) -> None:
    admission = Admission(1)
    await admission.enter("t", 0)
    task = await waiting(admission, "t", 0)
    if granted:
        admission.leave("t", 0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if not granted:
        admission.leave("t", 0)
    await asyncio.wait_for(admission.enter("t", 0), 1)


async def test_wait_cancelled_at_the_moment_a_place_comes_back_is_only_cancelled() -> None:
    admission = Admission(1)
    await admission.enter("t", 0)
    task = await waiting(admission, "t", 0)
    behind = await waiting(admission, "t", 0)
    task.cancel()
    admission.leave("t", 0)
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(behind, 1)
    admission.leave("t", 0)
    await asyncio.wait_for(admission.enter("t", 0), 1)


async def test_a_tree_of_many_levels_never_stops() -> None:
    admission = Admission(4)
    finished = 0

    async def node(depth: int) -> None:
        nonlocal finished
        await admission.enter("t", depth)
        if depth < 3:
            await asyncio.gather(*(node(depth + 1) for _ in range(3)))
        await asyncio.sleep(0)
        admission.leave("t", depth)
        finished += 1

    await asyncio.wait_for(node(0), 5)
    assert finished == 1 + 3 + 9 + 27
