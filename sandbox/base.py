"""The contract that every environment fulfils; `tests/sandbox/contract/` runs against each of them."""

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

JSON = Any  # what json.loads returns: None, bool, int, float, str, list, dict

Channel = Literal["stdout", "stderr", "result", "error"]
CellStatus = Literal["ok", "error", "killed_time", "killed_memory", "killed"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Limits of one cell: wall-clock seconds without host waits, bytes of memory, bytes of output."""

    name: str
    cell_seconds: float
    memory_bytes: int
    output_bytes: int = 1 << 20


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("quick", 10, 256 << 20),
        Profile("default", 60, 1 << 30),
        Profile("analysis", 300, 4 << 30),
        Profile("extended", 900, 8 << 30),
    )
}


@dataclass(frozen=True, slots=True)
class ContextPart:
    """One named file inside the bytes of a `ContextSource`."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ContextSource:
    """The input, handed to the guest once by descriptor.

    `kind` text: UTF-8 (`surrogatepass`) → str. json: one UTF-8 JSON document → list, dict, … files: `parts` → dict of
    name → str (UTF-8, `surrogateescape`). The session that receives it owns `fd` and closes it.
    """

    kind: Literal["text", "json", "files"]
    fd: int
    size: int
    parts: tuple[ContextPart, ...] = ()


def context_in_memory(
    kind: Literal["text", "json", "files"], chunks: Iterable[bytes], parts: tuple[ContextPart, ...] = ()
) -> ContextSource:
    """Write `chunks` into an anonymous memory file and return it as a source positioned at its start."""
    fd = os.memfd_create("rlmlab-context", os.MFD_CLOEXEC)
    try:
        size = 0
        for chunk in chunks:
            view = memoryview(chunk)
            while view:
                written = os.write(fd, view)
                size += written
                view = view[written:]
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return ContextSource(kind, fd, size, parts)


@dataclass(frozen=True, slots=True)
class HostCall:
    """A call from the guest to the host; `ordinal` counts from 1 within the cell, in program order.

    `seen` are the bytes of the input that each sub-call is given, as the guest reports: start, end, start, …
    """

    name: str
    args: tuple[JSON, ...]
    kwargs: Mapping[str, JSON]
    ordinal: int
    seen: tuple[tuple[int, ...], ...] = ()


HostHandler = Callable[[HostCall], Awaitable[JSON]]
"""Answers a host call with JSON, or raises `sandbox.errors.Refused`; any other exception ends the cell."""

OutputHandler = Callable[[Channel, str], None]
"""Receives output as it is printed, normalised (no NUL, no lone surrogates), in order."""


@dataclass(frozen=True, slots=True)
class CellError:
    """A Python error of the cell: class name, message, 1-based line of the cell, traceback of `<cell-N>` frames."""

    type: str
    message: str
    line: int | None
    traceback: str


@dataclass(frozen=True, slots=True)
class Submission:
    """The scaffold variable `answer` after a cell; content that is not JSON arrives as its `str()`."""

    content: JSON
    ready: bool
    dialect: Literal["answer", "FINAL", "FINAL_VAR", "SUBMIT"] = "answer"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a cell used: seconds of wall clock without host waits, CPU seconds, peak bytes, and who says so."""

    seconds: float
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    source: Literal["measured", "self_reported", "unavailable"] = "unavailable"


@dataclass(frozen=True, slots=True)
class CellResult:
    """How a cell ended. `alive` is false when the guest was killed: its variables are lost.

    `seen` are the bytes of the input in what was printed and is shown, as the guest reports: start, end, start, …
    """

    status: CellStatus
    submission: Submission
    usage: Usage
    error: CellError | None = None
    truncated_bytes: Mapping[Channel, int] = field(default_factory=dict)  # bytes dropped over the output limit
    alive: bool = True
    seen: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What a session needs: limits, input, host functions by name, and the run tree it is admitted under."""

    profile: Profile = PROFILES["default"]
    context: ContextSource | None = None
    functions: tuple[str, ...] = ()
    tree: str = ""
    depth: int = 0
    coverage: bool = False  # tell which bytes of the input are printed and asked about


class Session(Protocol):
    """One REPL whose variables live from cell to cell."""

    async def execute(self, code: str, *, handler: HostHandler, on_output: OutputHandler) -> CellResult:
        """Run one cell. Cancelling the awaiting task kills the guest with SIGKILL.

        Raises:
            SandboxError: the environment failed, as opposed to the cell.
        """
        ...

    async def close(self) -> None:
        """Kill the guest, reap it and release its descriptors; safe to call twice."""
        ...


class Environment(Protocol):
    """A way of running code: opens sessions, and knows how strong its walls are."""

    name: str
    level: str  # "full", or what is missing, such as "no_namespaces"

    async def start(self) -> None:
        """Make ready to open sessions.

        Raises:
            EnvironmentUnavailable: this machine lacks a mandatory part of the jail.
        """
        ...

    async def open(self, spec: SessionSpec) -> Session:
        """Open a session; waits for admission when the run tree has as many as it may."""
        ...

    async def close(self) -> None:
        """End every session and the environment's own processes."""
        ...
