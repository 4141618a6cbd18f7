"""Limits, kills, cancellation, and that sessions do not touch each other."""

import asyncio
import time

import pytest

from sandbox.base import Environment, Profile, Session, SessionSpec
from sandbox.errors import SandboxError, SessionDied
from tests.sandbox.conftest import OpenSession
from tests.sandbox.driver import SHORT, SMALL, Recorder, run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_wall_clock_kills_and_says_so(open_session: OpenSession) -> None:
    session = await open_session(profile=SHORT)
    began = time.monotonic()
    ran = await run(session, "print('kept')\nwhile True:\n    pass")
    assert time.monotonic() - began < 1.5
    assert (ran.result.status, ran.result.alive, ran.result.error) == ("killed_time", False, None)
    assert ran.text("stdout") == "kept\n"
    assert ran.result.usage.cpu_seconds is not None
    assert ran.result.usage.cpu_seconds > 0.02


async def test_killed_session_refuses_further_cells(open_session: OpenSession) -> None:
    session = await open_session(profile=Profile("tiny", 0.1, 64 << 20))
    await run(session, "while True: pass")
    with pytest.raises(SessionDied):
        await run(session, "1")


async def test_memory_limit_holds_and_the_variables_survive(open_session: OpenSession) -> None:
    session = await open_session(profile=SHORT)
    ran = await run(session, "kept = 1\na = []\nwhile True:\n    a.append('x' * 1_000_000)")
    assert ran.result.error is not None
    assert ran.result.error.type == "MemoryError"
    assert ran.result.error.message == "the cell needs more than the 96 MB that this REPL has"
    assert ran.result.usage.peak_memory_bytes is not None
    assert ran.result.usage.peak_memory_bytes < 160 << 20
    assert (await run(session, "del a\nkept")).value == "1"


async def test_cancelling_kills_the_guest(open_session: OpenSession) -> None:
    session = await open_session()
    task = asyncio.create_task(run(session, "while True: pass"))
    await asyncio.sleep(0.1)
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    await session.close()
    assert time.monotonic() - began < 1
    with pytest.raises(SessionDied):
        await run(session, "1")


async def test_cancelling_in_a_host_call_kills_the_guest(open_session: OpenSession) -> None:
    session = await open_session(functions=("llm_query",))
    handler = Recorder({"llm_query": lambda _: asyncio.sleep(60)})
    task = asyncio.create_task(run(session, "llm_query('x')", handler))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(SessionDied):
        await run(session, "1")


async def test_close_is_safe_twice_and_ends_the_session(session: Session) -> None:
    await session.close()
    await session.close()
    with pytest.raises(SessionDied):
        await run(session, "1")


async def test_oversize_code_is_a_sandbox_error_and_the_session_lives(session: Session) -> None:
    with pytest.raises(SandboxError, match="too large"):
        await run(session, f"x = '{'a' * (33 << 20)}'")
    assert (await run(session, "1")).value == "1"


async def test_siblings_do_not_see_each_other(open_session: OpenSession) -> None:
    first, second = await open_session(), await open_session()
    await run(
        first, "secret = 1\nimport json\nlen = lambda x: 42\nfrom decimal import getcontext\ngetcontext().prec = 3"
    )
    ran = await run(second, "from decimal import getcontext\n'secret' in globals(), len([]), getcontext().prec")
    assert ran.value == "(False, 0, 28)"


async def test_siblings_run_at_the_same_time_and_one_kill_spares_the_others(open_session: OpenSession) -> None:
    sessions = [await open_session(profile=SHORT) for _ in range(3)]
    codes = ["while True: pass", "import time\ntime.sleep(0.3)\n'slept'", "'quick'"]
    ran = await asyncio.gather(*(run(session, code) for session, code in zip(sessions, codes, strict=True)))
    assert [each.result.status for each in ran] == ["killed_time", "ok", "ok"]
    assert [each.value for each in ran[1:]] == ["'slept'", "'quick'"]


async def test_tree_waits_for_a_place_and_gets_it_on_close(environment: Environment) -> None:
    spec = SessionSpec(profile=SMALL, tree="wide", depth=1)
    held = [await environment.open(spec) for _ in range(16)]
    waiting = asyncio.create_task(environment.open(spec))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    other = await environment.open(SessionSpec(profile=SMALL, tree="other"))
    await held.pop().close()
    held.append(await asyncio.wait_for(waiting, 5))
    await asyncio.gather(other.close(), *(session.close() for session in held))
