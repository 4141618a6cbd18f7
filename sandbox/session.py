"""The host's end of one jailed guest: runs cells, keeps the clock, serves host calls, kills, and says why it died."""

import array
import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sandbox import measure
from sandbox.base import (
    CellResult,
    CellStatus,
    ContextSource,
    HostCall,
    HostHandler,
    OutputHandler,
    Profile,
    SessionSpec,
    Submission,
    Usage,
)
from sandbox.bridge import Bridge, Done, Message, Output, Ready, Unavailable
from sandbox.errors import EnvironmentUnavailable, ProtocolViolation, Refused, SandboxError, SessionDied
from sandbox.guest.wire import FrameTooLarge, encode
from sandbox.process import Exit, Guest

_OPEN_SECONDS = 60.0
_CPU_CELLS = 100  # CPU limit of a session, in cells: a backstop for a host that hangs
_NO_ANSWER = Submission(content="", ready=False)

_Event = Ready | Unavailable | HostCall | Done | SandboxError | None


class _Channel(asyncio.Protocol):
    """Feeds the bridge from the socket; output goes straight on, everything else to whoever waits."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._events: asyncio.Queue[_Event] = asyncio.Queue()
        self.on_output: OutputHandler | None = None

    def data_received(self, data: bytes) -> None:
        try:
            for message in _joined(self._bridge.feed(data)):
                if isinstance(message, Output):
                    self._print(message)
                else:
                    self._events.put_nowait(message)
        except SandboxError as violation:
            self._events.put_nowait(violation)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._events.put_nowait(None)

    async def next(self) -> _Event:
        """Wait for the next message; None when the guest closed its end."""
        return await self._events.get()

    def _print(self, output: Output) -> None:
        if self.on_output is not None:
            self.on_output(output.channel, output.text)


class _Clock:
    """The wall clock of one cell: stands still while the host serves a call, and calls back when the time is up."""

    def __init__(self, seconds: float, on_timeout: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = seconds
        self._on_timeout = on_timeout
        self._used = 0.0
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def used(self) -> float:
        """Seconds without host waits."""
        return self._used + (self._loop.time() - self._since if self._since is not None else 0.0)

    def run(self) -> None:
        """Go on."""
        self._since = self._loop.time()
        self._timer = self._loop.call_later(max(0.0, self._limit - self._used), self._on_timeout)

    def stop(self) -> None:
        """Stand still."""
        self._used = self.used
        self._since = None
        if self._timer is not None:
            self._timer.cancel()


@dataclass(slots=True)
class _Cell:
    """What is known when a cell starts, to measure and classify against."""

    clock: _Clock
    before: measure.Reading | None
    oom_kills: int


class JailedSession:
    """A `Session` over a guest of the zygote."""

    def __init__(self, guest: Guest, spec: SessionSpec, on_close: Callable[[], None]) -> None:
        self._guest = guest
        self._spec = spec
        self._on_close = on_close
        self._bridge = Bridge(spec.functions, spec.profile.output_bytes)
        self._channel = _Channel(self._bridge)
        self._transport: asyncio.Transport | None = None
        self._cells = 0
        self._killed_for: CellStatus | None = None
        self._alive = True
        self._closed = False
        self.missing: tuple[str, ...] = ()

    async def open(self) -> None:
        """Hand the limits and the context over and wait until the guest is sealed.

        Raises:
            EnvironmentUnavailable: a mandatory wall is missing.
            SandboxError: the guest died, or the context does not fit into its memory.
        """
        await self._send_opening(self._spec.context)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self._channel, sock=self._guest.channel)
        self._transport = transport
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                message = await self._channel.next()
        except TimeoutError:
            raise SandboxError("the guest did not become ready in time") from None
        if isinstance(message, Ready):
            self.missing = message.missing
            self._spec = replace(self._spec, context=None)
            return
        if isinstance(message, SandboxError):
            raise message
        if isinstance(message, Unavailable):
            failure = SandboxError if message.reason.startswith("the context") else EnvironmentUnavailable
            raise failure(message.reason)
        raise SandboxError("the guest died while it was being made")

    async def execute(self, code: str, *, handler: HostHandler, on_output: OutputHandler) -> CellResult:
        """Run one cell; see `Session.execute`."""
        if not self._alive or self._transport is None:
            raise SessionDied("this session is over")
        try:
            start = self._bridge.execute(self._cells + 1, code)
        except FrameTooLarge as error:
            raise SandboxError(f"the code of the cell is too large: {error}") from error
        self._cells += 1
        self._channel.on_output = on_output
        clock = _Clock(self._spec.profile.cell_seconds, lambda: self._kill("killed_time"))
        cell = _Cell(clock, measure.read(self._guest.pid), measure.out_of_memory_kills())
        clock.run()
        try:
            self._transport.write(start)
            return await self._run(cell, handler)
        except BaseException:
            self._kill("killed")
            raise
        finally:
            clock.stop()
            self._channel.on_output = None

    async def close(self) -> None:
        """Kill the guest, reap it and release everything; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._alive = False
        try:
            if self._transport is not None:
                self._transport.abort()
            await self._guest.close()
        finally:
            self._on_close()

    async def _run(self, cell: _Cell, handler: HostHandler) -> CellResult:
        while True:
            message = await self._channel.next()
            if isinstance(message, HostCall):
                cell.clock.stop()
                answer = await self._answer(message, handler)
                cell.clock.run()
                self._write(answer)
            elif isinstance(message, Done):
                cell.clock.stop()
                status: CellStatus = "ok" if message.error is None else "error"
                usage = self._usage(cell, measure.read(self._guest.pid))
                return CellResult(
                    status, message.submission, usage, message.error, message.truncated, seen=message.seen
                )
            elif isinstance(message, SandboxError):
                raise message
            else:
                return await self._died(cell)

    async def _answer(self, call: HostCall, handler: HostHandler) -> bytes:
        try:
            value = await handler(call)
        except Refused as refusal:
            return self._bridge.refuse(refusal.kind, refusal.message)
        return self._bridge.answer(value)

    async def _died(self, cell: _Cell) -> CellResult:
        """Say from kernel evidence why the guest went away in the middle of a cell."""
        cell.clock.stop()
        self._alive = False
        self._guest.kill()
        ended = await self._guest.wait()
        after = None if ended is None else measure.Reading(ended.cpu_seconds, ended.peak_memory_bytes)
        return CellResult(self._cause(cell, ended), _NO_ANSWER, self._usage(cell, after), alive=False)

    def _cause(self, cell: _Cell, ended: Exit | None) -> CellStatus:
        if self._killed_for is not None:
            return self._killed_for
        if ended is not None and ended.signal in {signal.SIGXCPU, signal.SIGKILL}:
            if ended.cpu_seconds >= _cpu_seconds(self._spec.profile):
                return "killed_time"
            if measure.out_of_memory_kills() > cell.oom_kills:
                return "killed_memory"
        return "killed"

    def _usage(self, cell: _Cell, after: measure.Reading | None) -> Usage:
        if cell.before is None or after is None:
            return Usage(cell.clock.used)
        cpu = max(0.0, after.cpu_seconds - cell.before.cpu_seconds)
        return Usage(cell.clock.used, cpu, after.peak_memory_bytes, "measured")

    def _kill(self, status: CellStatus) -> None:
        if self._killed_for is None:
            self._killed_for = status
        self._alive = False
        self._guest.kill()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    async def _send_opening(self, context: ContextSource | None) -> None:
        """Send the first frame with the context's descriptor beside its first byte."""
        profile = self._spec.profile
        frame = encode(
            {
                "t": "open",
                "functions": self._spec.functions,
                "output_bytes": profile.output_bytes,
                "memory_bytes": profile.memory_bytes + (context.size if context is not None else 0),
                "cpu_seconds": _cpu_seconds(profile),
                "coverage": self._spec.coverage,
                "context": None if context is None else _described(context),
            }
        )
        fds = [] if context is None else [context.fd]
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            sent = self._guest.channel.sendmsg([frame], rights)
        except OSError as error:
            raise SessionDied(f"the guest died before it was used: {error.strerror}") from error
        if sent < len(frame):
            await asyncio.get_running_loop().sock_sendall(self._guest.channel, frame[sent:])


def _described(context: ContextSource) -> dict[str, object]:
    parts = [[part.name, part.offset, part.length] for part in context.parts]
    return {"kind": context.kind, "size": context.size, "parts": parts}


def _cpu_seconds(profile: Profile) -> int:
    return int(profile.cell_seconds * _CPU_CELLS) + 1


def _joined(messages: Iterator[Message]) -> Iterator[Message]:
    """Merge pieces of output that arrived together, so that a cell of many prints costs few events."""
    pending: Output | None = None
    try:
        for message in messages:
            if isinstance(message, Output) and pending is not None and pending.channel == message.channel:
                pending = Output(pending.channel, pending.text + message.text)
                continue
            if pending is not None:
                yield pending
            pending = message if isinstance(message, Output) else None
            if pending is None:
                yield message
    except ProtocolViolation:
        if pending is not None:
            yield pending
        raise
    if pending is not None:
        yield pending
