"""Runs cells in tests and keeps what came out of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.base import CellResult, Channel, HostCall, Profile, Session

SMALL = Profile("small", 5, 128 << 20)
SHORT = Profile("short", 0.5, 96 << 20)


@dataclass
class Ran:
    """A finished cell."""

    result: CellResult
    output: list[tuple[Channel, str]]

    def text(self, channel: Channel) -> str:
        """All output of a channel."""
        return "".join(text for name, text in self.output if name == channel)

    @property
    def value(self) -> str:
        """What the last expression showed."""
        assert self.result.error is None, self.result.error
        return self.text("result").removesuffix("\n")


@dataclass
class Recorder:
    """A host handler that answers from functions by name and remembers the calls."""

    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    calls: list[HostCall] = field(default_factory=list)

    async def __call__(self, call: HostCall) -> Any:
        self.calls.append(call)
        answer = self.functions[call.name](*call.args, **call.kwargs)
        return await answer if isinstance(answer, Awaitable) else answer


async def run(session: Session, code: str, handler: Recorder | None = None) -> Ran:
    """Run one cell to its end."""
    output: list[tuple[Channel, str]] = []
    result = await session.execute(
        code, handler=handler or Recorder(), on_output=lambda channel, text: output.append((channel, text))
    )
    return Ran(result, output)
