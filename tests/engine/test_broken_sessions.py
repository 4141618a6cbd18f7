"""Sessions that break, cannot be opened, or do what no session should."""

import asyncio
import logging

import pytest

from sandbox.base import Environment, HostCall, Session, SessionSpec
from sandbox.errors import EnvironmentUnavailable, Refused, SandboxError
from tests.engine.conftest import Lab
from tests.engine.fakes.provider import Say, by_level, turns

SLOW = Say("never", seconds=60)


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


class Breaking:
    """The real environment, of which some cells break the session, or which cannot open one."""

    name = "breaking"
    level = "none"

    def __init__(self, inner: Environment, *, broken_cells: int = 0, refuse: SandboxError | None = None) -> None:
        self.inner = inner
        self.broken_cells = broken_cells
        self.refuse = refuse

    async def start(self) -> None:
        """The inner one is started."""

    async def open(self, spec: SessionSpec) -> Session:
        if self.refuse is not None:
            raise self.refuse
        session = await self.inner.open(spec)
        return BreakingSession(session, self)

    async def close(self) -> None:
        """The inner one is closed by its owner."""


class BreakingSession:
    def __init__(self, inner: Session, environment: Breaking) -> None:
        self.inner = inner
        self.environment = environment

    async def execute(self, code: str, **handlers: object) -> object:
        if self.environment.broken_cells > 0:
            self.environment.broken_cells -= 1
            raise SandboxError("the guest sent a forged frame")
        return await self.inner.execute(code, **handlers)

    async def close(self) -> None:
        await self.inner.close()


async def test_broken_session_is_replaced_and_the_model_is_told(environment: Environment) -> None:
    lab = Lab(Breaking(environment, broken_cells=2))
    ran = await lab.run(turns(code("FINAL(1)")))
    assert ran.outcome.answer == 1
    assert ran.outcome.totals.steps == 3
    told = ran.provider.requests[1].messages[-1].content
    assert "[The cell was killed: its process ended (the guest sent a forged frame)." in told
    assert ran.sink.finished("1/c1").failure.code == "cell_killed"


async def test_session_that_breaks_three_times_ends_the_run(environment: Environment) -> None:
    ran = await Lab(Breaking(environment, broken_cells=3)).run(turns(code("FINAL(1)")))
    assert (ran.outcome.finish_reason, ran.outcome.error.code) == ("error", "sandbox_error")
    assert ran.outcome.error.message == "the guest sent a forged frame"


async def test_missing_environment_ends_the_run_with_its_reason(environment: Environment) -> None:
    refuse = EnvironmentUnavailable("seccomp is not available")
    ran = await Lab(Breaking(environment, refuse=refuse)).run(turns(code("FINAL(1)")))
    assert (ran.outcome.error.code, ran.outcome.error.message) == (
        "environment_unavailable",
        "seccomp is not available",
    )


async def test_missing_environment_of_a_child_is_a_failed_sub_call(environment: Environment) -> None:
    breaking = Breaking(environment)

    def child(_: object) -> str:
        breaking.refuse = SandboxError("no more guests")
        return code("FINAL(1)")

    root = turns(code("FINAL(rlm_query_batched(['Child']))"))
    ran = await Lab(breaking).run(by_level({"Root": root, "Child": child}))
    assert ran.outcome.answer == ["[SubCallError: rlm_query failed: no more guests]"]


class Forsaken(BreakingSession):
    """A session that breaks while the host still serves its call."""

    async def execute(self, code: str, **handlers: object) -> object:
        self.serving = asyncio.ensure_future(handlers["handler"](HostCall("llm_query", ("x",), {}, 1)))
        await asyncio.sleep(0.05)
        raise SandboxError("the guest is gone")


async def test_host_call_of_a_broken_session_ends_with_its_cell(environment: Environment) -> None:
    breaking = Breaking(environment)
    sessions = []

    async def open_forsaken(spec: SessionSpec) -> Session:
        session = Forsaken(await environment.open(spec), breaking) if not sessions else await environment.open(spec)
        sessions.append(session)
        return session

    breaking.open = open_forsaken
    ran = await Lab(breaking).run(by_level({"Root": turns(code("FINAL(1)")), "plain": turns(SLOW)}))
    assert ran.outcome.answer == 1
    assert ran.sink.finished("1/1/0").status == "cancelled"
    assert ran.outcome.totals.sub_calls == 1
    with pytest.raises(asyncio.CancelledError):
        await sessions[0].serving


class Asking(BreakingSession):
    """A session whose guest calls what does not exist."""

    async def execute(self, code: str, **handlers: object) -> object:
        with pytest.raises(Refused, match="the host has no function 'exec'"):
            await handlers["handler"](HostCall("exec", (), {}, 1))
        return await self.inner.execute(code, **handlers)


async def test_unknown_host_function_is_refused(environment: Environment) -> None:
    breaking = Breaking(environment)

    async def open_asking(spec: SessionSpec) -> Session:
        return Asking(await environment.open(spec), breaking)

    breaking.open = open_asking
    assert (await Lab(breaking).run(turns(code("FINAL(1)")))).outcome.answer == 1


class Swallowing(BreakingSession):
    """A session that hides from the engine that its own handler failed."""

    async def execute(self, code: str, **handlers: object) -> object:
        with pytest.raises(ZeroDivisionError):
            await handlers["handler"](HostCall("llm_query", ("x",), {}, 1))
        return await self.inner.execute(code, **handlers)


async def test_failure_of_the_host_that_a_session_hides_ends_the_run(
    environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    breaking = Breaking(environment)

    async def open_swallowing(spec: SessionSpec) -> Session:
        return Swallowing(await environment.open(spec), breaking)

    def plain(_: object) -> str:
        raise ZeroDivisionError("hidden")

    breaking.open = open_swallowing
    with caplog.at_level(logging.ERROR):
        ran = await Lab(breaking).run(by_level({"Root": turns(code("FINAL(1)")), "plain": plain}))
    assert ran.outcome.error.code == "internal_error"
    assert "hidden" in caplog.text
