"""The handle on the zygote when the zygote does not do its part."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from sandbox import process
from sandbox.errors import EnvironmentUnavailable, SandboxError
from sandbox.process import Zygote
from sandbox.restricted import RestrictedEnvironment


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()


async def test_fork_without_a_zygote_is_refused() -> None:
    with pytest.raises(SandboxError, match="the zygote is not running"):
        await Zygote().fork()


async def test_stopping_what_never_ran_does_nothing() -> None:
    zygote = Zygote()
    zygote.stop()
    assert (zygote.alive, zygote.pid) == (False, None)


async def test_python_that_is_not_there_makes_the_environment_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    environment = RestrictedEnvironment()
    with pytest.raises(EnvironmentUnavailable, match=r"the guest's Python cannot be started: .*No such file"):
        await environment.start()
    assert environment.zygote_pid is None


async def test_zygote_that_hangs_at_its_start_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "slow_language.py").write_text("import time\ntime.sleep(60)\n", "utf-8")
    monkeypatch.setattr(process, "_START_SECONDS", 0.3)
    zygote = Zygote("slow_language:Never", (tmp_path,))
    with pytest.raises(EnvironmentUnavailable, match="ended or hung while it was starting"):
        await zygote.start()
    assert (zygote.alive, zygote.pid) == (False, None)


async def test_stopped_zygote_does_not_fork_in_time_and_its_late_guest_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zygote = Zygote()
    await zygote.start()
    assert zygote.pid is not None
    monkeypatch.setattr(process, "_FORK_SECONDS", 0.1)
    os.kill(zygote.pid, signal.SIGSTOP)
    with pytest.raises(SandboxError, match="the zygote cannot fork"):
        await zygote.fork()
    os.kill(zygote.pid, signal.SIGCONT)
    zygote_pid = zygote.pid
    monkeypatch.setattr(process, "_FORK_SECONDS", 10)
    guest = await zygote.fork()
    for _ in range(200):
        if children(zygote_pid) == [str(guest.pid)]:
            break
        await asyncio.sleep(0.01)
    assert children(zygote_pid) == [str(guest.pid)]
    await guest.close()
    guest.kill()
    assert not guest.alive
    zygote.stop()


async def test_zygote_killed_in_a_fork_fails_the_fork() -> None:
    zygote = Zygote()
    await zygote.start()
    assert zygote.pid is not None
    os.kill(zygote.pid, signal.SIGSTOP)
    forking = asyncio.create_task(zygote.fork())
    await asyncio.sleep(0.02)
    os.kill(zygote.pid, signal.SIGKILL)
    with pytest.raises(SandboxError):
        await asyncio.wait_for(forking, 5)
    assert not zygote.alive
