"""The host's handle on the zygote and on the guests that it forks."""

import asyncio
import contextlib
import importlib.util
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import EnvironmentUnavailable, SandboxError

RESTRICTED_LANGUAGE = "sandbox.guest.restricted.language:RestrictedLanguage"

_START_SECONDS = 30.0
_FORK_SECONDS = 10.0
_EXIT_SECONDS = 5.0
_MESSAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Exit:
    """How a guest ended, from its wait status and resource usage."""

    status: int
    cpu_seconds: float
    peak_memory_bytes: int

    @property
    def signal(self) -> int | None:
        """The signal that ended it, if one did."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None


class Guest:
    """A process that the zygote forked; owns its pidfd and, until it is taken, the host's end of its channel."""

    def __init__(self, pid: int, pidfd: int, channel: socket.socket, ended: "asyncio.Future[Exit | None]") -> None:
        self.pid = pid
        self.channel = channel
        self._pidfd = pidfd
        self._ended = ended

    @property
    def alive(self) -> bool:
        """Tell whether it is not known to have ended."""
        return not self._ended.done()

    def kill(self) -> None:
        """Send SIGKILL; a guest that is gone is left alone."""
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def wait(self) -> Exit | None:
        """Return how the guest ended; None when the zygote went away first, or does not tell in time."""
        try:
            async with asyncio.timeout(_EXIT_SECONDS):
                return await asyncio.shield(self._ended)
        except TimeoutError:
            return None

    async def close(self) -> None:
        """Kill, wait for the end, release the descriptors."""
        self.kill()
        self.channel.close()
        await self.wait()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


class Zygote:
    """Starts the zygote process and asks it for guests."""

    def __init__(self, language: str = RESTRICTED_LANGUAGE, paths: tuple[Path, ...] = ()) -> None:
        self._language = language
        self._paths = paths
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready: asyncio.Future[None] | None = None
        self._forks: dict[str, asyncio.Future[tuple[int, int]]] = {}
        self._exits: dict[str, asyncio.Future[Exit | None]] = {}
        self._numbers = itertools.count(1)

    @property
    def alive(self) -> bool:
        """Tell whether guests can be asked for."""
        return self._control is not None

    @property
    def pid(self) -> int | None:
        """The process id, while it lives."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the process and wait until it has loaded everything.

        Raises:
            EnvironmentUnavailable: it cannot be started on this machine.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        loop = asyncio.get_running_loop()
        try:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                self._command(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                env={"PYTHONHASHSEED": "0"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise EnvironmentUnavailable(f"the guest's Python cannot be started: {error}") from error
        finally:
            theirs.close()
        ours.setblocking(False)
        self._control = ours
        self._ready = loop.create_future()
        loop.add_reader(ours, self._receive)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._ready
        except (TimeoutError, SandboxError) as error:
            self.stop()
            raise EnvironmentUnavailable("the guest's Python ended or hung while it was starting") from error

    async def fork(self) -> Guest:
        """Ask for one guest.

        Raises:
            SandboxError: the zygote is gone, or cannot fork.
        """
        if self._control is None:
            raise SandboxError("the zygote is not running")
        session = str(next(self._numbers))
        loop = asyncio.get_running_loop()
        fork: asyncio.Future[tuple[int, int]] = loop.create_future()
        exit_: asyncio.Future[Exit | None] = loop.create_future()
        self._forks[session] = fork
        self._exits[session] = exit_
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._control, [json.dumps({"fork": session}).encode()], [theirs.fileno()])
            async with asyncio.timeout(_FORK_SECONDS):  # `wait_for` swallows a cancellation that comes with its result
                pid, pidfd = await asyncio.shield(fork)
        except BaseException as error:
            ours.close()
            fork.add_done_callback(_discard_guest)
            if isinstance(error, (OSError, TimeoutError)):
                raise SandboxError(f"the zygote cannot fork: {error}") from error
            raise
        ours.setblocking(False)
        return Guest(pid, pidfd, ours, exit_)

    def stop(self) -> None:
        """End the process; its guests end with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._lose("the zygote was stopped")

    def _command(self, control_fd: int) -> list[str]:
        found = importlib.util.find_spec("RestrictedPython")
        if found is None or found.origin is None:
            raise EnvironmentUnavailable("the package RestrictedPython is not installed")
        root = Path(__file__).resolve().parent.parent
        script = root / "sandbox" / "guest" / "zygote.py"
        paths = [root, Path(found.origin).parent.parent, *self._paths]
        return [sys.executable, "-s", "-S", "-P", str(script), str(control_fd), self._language, *map(str, paths)]

    def _receive(self) -> None:
        if self._control is None:
            return
        try:
            data, fds, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            self.stop()
            return
        self._dispatch(json.loads(data), fds)

    def _dispatch(self, message: dict[str, Any], fds: list[int]) -> None:
        if "ready" in message and self._ready is not None:
            self._ready.set_result(None)
        elif "forked" in message:
            _resolve(self._forks.pop(message["forked"]), (message["pid"], fds[0]))
        elif "failed" in message:
            self._exits.pop(message["failed"]).cancel()
            _fail(self._forks.pop(message["failed"]), SandboxError(message["reason"]))
        elif "exited" in message:
            ended = Exit(message["status"], message["cpu_seconds"], message["peak_memory_bytes"])
            _resolve(self._exits.pop(message["exited"]), ended)

    def _lose(self, reason: str) -> None:
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._ready is not None:
            _fail(self._ready, SandboxError(reason))
        for fork in self._forks.values():
            _fail(fork, SandboxError(reason))
        for exit_ in self._exits.values():
            _resolve(exit_, None)
        self._forks.clear()
        self._exits.clear()


def _resolve(future: "asyncio.Future[Any]", value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: "asyncio.Future[Any]", error: SandboxError) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()


def _discard_guest(fork: "asyncio.Future[tuple[int, int]]") -> None:
    """Kill a guest that arrived after nobody waited for it any more."""
    if fork.cancelled() or fork.exception() is not None:
        return
    _, pidfd = fork.result()
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
