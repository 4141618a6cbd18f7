"""The restricted environment as a whole: spares, descriptors, the zygote's death, levels."""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import sandbox
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
    return len(list(Path("/proc/self/fd").iterdir()))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


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
    for pid in children(zygote):
        os.kill(pid, signal.SIGKILL)
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
    before = children(os.getpid())
    environment = RestrictedEnvironment()
    await environment.start()
    session = await environment.open(SessionSpec(profile=SMALL))
    began = time.monotonic()
    await environment.close()
    await environment.close()
    assert time.monotonic() - began < 2
    assert children(os.getpid()) == before
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


async def test_missing_mandatory_wall_makes_the_environment_unavailable() -> None:
    environment = RestrictedEnvironment(language="weak_kernels:without_seccomp", paths=(RAW,))
    with pytest.raises(EnvironmentUnavailable, match="there is no list of system calls for the machine"):
        await environment.start()
    assert environment.zygote_pid is None


@pytest.mark.parametrize(
    ("kernel", "level"),
    [("without_namespaces", "no_namespaces"), ("without_optional_walls", "no_namespaces_no_landlock")],
)
async def test_missing_optional_walls_stand_in_the_level_and_the_rest_holds(kernel: str, level: str) -> None:
    environment = RestrictedEnvironment(language=f"weak_kernels:{kernel}", paths=(RAW,))
    await environment.start()
    try:
        assert environment.level == level
        session = await environment.open(SessionSpec(profile=SMALL))
        error = (await run(session, "open('/etc/passwd')")).result.error
        assert error is not None
        assert error.type == "PermissionError"
    finally:
        await environment.close()


AS_NOBODY = """
import asyncio, os, sys
sys.path[:0] = sys.argv[1:]
from sandbox.base import SessionSpec
from sandbox.restricted import RestrictedEnvironment

async def main():
    environment = RestrictedEnvironment()
    await environment.start()
    session = await environment.open(SessionSpec())
    shown = []
    result = await session.execute("1 + 1", handler=None, on_output=lambda _, text: shown.append(text))
    await environment.close()
    print(os.getuid(), environment.level, result.status, shown)

asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="the whole suite runs as an ordinary user already")
def test_ordinary_user_has_the_same_walls() -> None:
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    found = importlib.util.find_spec("RestrictedPython")
    assert found is not None
    assert found.origin is not None
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        shutil.copytree(Path(sandbox.__file__).parent, root / "sandbox")
        shutil.copytree(Path(found.origin).parent, root / "RestrictedPython")
        try:
            done = subprocess.run(
                [python, "-c", AS_NOBODY, folder],
                user=65534,
                group=65534,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except PermissionError:
            pytest.skip("no Python that an ordinary user may run")
    assert done.stderr == ""
    uid, level, rest = done.stdout.split(" ", 2)
    assert (uid, rest) == ("65534", "ok ['2\\n']\n")
    assert level == "full" or level.startswith("no_")
