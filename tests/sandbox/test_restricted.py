"""The restricted environment as a whole: spares, descriptors, the zygote's death, levels."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.base import ContextSource, SessionSpec, context_in_memory
from sandbox.errors import EnvironmentUnavailable, SandboxError, SessionDied
from sandbox.registry import start_environment
from sandbox.restricted import RestrictedEnvironment
from tests.sandbox.driver import SMALL, run

RAW = Path(__file__).parent / "raw"


@pytest_asyncio.fixture
async def restricted() -> AsyncIterator[RestrictedEnvironment]:
    environment = RestrictedEnvironment()
    await environment.start()
    yield environment
    await environment.close()


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()


async def settle(environment: RestrictedEnvironment) -> None:
    """Wait until the spares are filled up again."""
    for _ in range(200):
        await asyncio.sleep(0.01)
        if environment.spares == 2:
            return
    raise AssertionError("the spares were not filled up")


async def test_level_names_what_is_missing_or_is_full(restricted: RestrictedEnvironment) -> None:
    assert restricted.level == "full" or restricted.level.startswith("no_")


async def test_fifty_sessions_leave_no_descriptor_behind(restricted: RestrictedEnvironment) -> None:
    await settle(restricted)
    before = open_descriptors()
    for number in range(50):
        session = await restricted.open(SessionSpec(profile=SMALL, context=context_in_memory("text", [b"x"])))
        if number % 10 == 0:
            assert (await run(session, "len(context)")).value == "1"
        await session.close()
    await settle(restricted)
    assert open_descriptors() == before


async def test_spares_are_filled_up_again_after_an_open(restricted: RestrictedEnvironment) -> None:
    await settle(restricted)
    session = await restricted.open(SessionSpec(profile=SMALL))
    await settle(restricted)
    await session.close()


async def test_dead_spare_is_passed_over(restricted: RestrictedEnvironment) -> None:
    await settle(restricted)
    zygote = restricted.zygote_pid
    assert zygote is not None
    for pid in Path(f"/proc/{zygote}/task/{zygote}/children").read_text("ascii").split():
        os.kill(int(pid), signal.SIGKILL)
    await asyncio.sleep(0.1)
    session = await restricted.open(SessionSpec(profile=SMALL))
    assert (await run(session, "1")).value == "1"
    await session.close()


async def test_zygote_death_ends_its_sessions_and_the_next_open_restarts_it(restricted: RestrictedEnvironment) -> None:
    session = await restricted.open(SessionSpec(profile=SMALL))
    assert restricted.zygote_pid is not None
    running = asyncio.create_task(run(session, "while True: pass"))
    await asyncio.sleep(0.05)
    os.kill(restricted.zygote_pid, signal.SIGKILL)
    ran = await asyncio.wait_for(running, 5)
    assert (ran.result.status, ran.result.alive) == ("killed", False)
    with pytest.raises(SessionDied):
        await run(session, "1")
    await session.close()
    again = await restricted.open(SessionSpec(profile=SMALL))
    assert (await run(again, "'back'")).value == "'back'"
    await again.close()


async def test_close_leaves_no_process_and_is_safe_twice() -> None:
    before = children()
    environment = RestrictedEnvironment()
    await environment.start()
    session = await environment.open(SessionSpec(profile=SMALL))
    began = time.monotonic()
    await environment.close()
    await environment.close()
    assert time.monotonic() - began < 2
    assert children() == before
    with pytest.raises(SessionDied):
        await run(session, "1")


async def test_open_without_start_is_refused_and_closes_the_input() -> None:
    source = context_in_memory("text", [b"x"])
    with pytest.raises(SandboxError, match="not started"):
        await RestrictedEnvironment().open(SessionSpec(context=source))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(source.fd)


async def test_input_that_lies_about_its_size_is_refused(restricted: RestrictedEnvironment) -> None:
    honest = context_in_memory("text", [b"x"])
    with pytest.raises(SandboxError):
        await restricted.open(SessionSpec(profile=SMALL, context=ContextSource("text", honest.fd, 1 << 20)))


async def test_language_that_cannot_be_loaded_makes_the_environment_unavailable() -> None:
    environment = RestrictedEnvironment(language="raw_language:Missing", paths=(RAW,))
    with pytest.raises(EnvironmentUnavailable, match="while it was starting"):
        await environment.start()


async def test_cancelled_open_gives_the_place_back(restricted: RestrictedEnvironment) -> None:
    spec = SessionSpec(profile=SMALL, tree="t")
    for _ in range(20):
        task = asyncio.create_task(restricted.open(spec))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    held = [await asyncio.wait_for(restricted.open(spec), 5) for _ in range(16)]
    await asyncio.gather(*(session.close() for session in held))


async def test_auto_takes_restricted_where_its_jail_holds() -> None:
    environment = await start_environment("auto")
    assert environment.name == "restricted"
    await environment.close()


async def test_unknown_environment_is_refused_by_name() -> None:
    with pytest.raises(EnvironmentUnavailable, match="there is no such environment; there are restricted"):
        await start_environment("wasm")


async def test_demanded_level_that_is_not_reached_is_refused() -> None:
    with pytest.raises(EnvironmentUnavailable, match=r"restricted: its level here is .*, but airtight is demanded"):
        await start_environment("auto", level="airtight")


async def test_auto_without_candidates_says_so() -> None:
    with pytest.raises(EnvironmentUnavailable, match="no environment is installed"):
        await start_environment("auto", factories={})
