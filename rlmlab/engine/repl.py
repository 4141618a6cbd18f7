"""The REPL of one RLM level: opened when it is first needed, and anew after it was lost."""

from dataclasses import replace

from rlmlab.engine.types import ContextOpener
from sandbox.base import (
    CellError,
    CellResult,
    Environment,
    HostHandler,
    OutputHandler,
    Session,
    SessionSpec,
    Submission,
    Usage,
)
from sandbox.errors import SandboxError

LOSSES_IN_A_ROW = 3


class Repl:
    """Runs cells; a dead guest is replaced by a new one with the same input, and the loss is in the result."""

    def __init__(self, environment: Environment, spec: SessionSpec, open_context: ContextOpener) -> None:
        self.profile = spec.profile
        self._environment = environment
        self._spec = spec
        self._open_context = open_context
        self._session: Session | None = None
        self._losses = 0

    async def execute(self, code: str, *, handler: HostHandler, on_output: OutputHandler) -> CellResult:
        """Run a cell.

        Raises:
            SandboxError: no session can be opened, or three in a row broke.
        """
        session = await self._ready()
        try:
            result = await session.execute(code, handler=handler, on_output=on_output)
        except SandboxError as error:
            self._losses += 1
            await self.close()
            if self._losses >= LOSSES_IN_A_ROW:
                raise
            return _lost(error)
        if result.alive:
            self._losses = 0
        else:
            await self.close()
        return result

    async def close(self) -> None:
        """Kill the guest, if there is one; the next cell opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ready(self) -> Session:
        """Return the session, opening it if there is none."""
        if self._session is None:
            context = await self._open_context()
            self._session = await self._environment.open(replace(self._spec, context=context))
        return self._session


def _lost(error: SandboxError) -> CellResult:
    """Describe the loss of a guest that could not tell itself."""
    return CellResult(
        status="killed",
        submission=Submission(content=None, ready=False),
        usage=Usage(seconds=0.0),
        error=CellError(type=type(error).__name__, message=str(error), line=None, traceback=""),
        alive=False,
    )
