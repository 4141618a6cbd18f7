"""A supervised child process: own session, dies with its parent, a log of its own, stopped for certain."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rlmlab.embedded.places import Account

PR_SET_PDEATHSIG = 1
LOG_TAIL_BYTES = 4096


@dataclass(slots=True)
class Child:
    """How to start and stop one process; `stop_signal` is also what it gets when its parent dies."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    cwd: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    log_start: int = field(default=0, init=False)

    def start(self) -> None:
        """Start the process with its output appended to its log."""
        switch = self.account if self.account is not None and self.account.switch else None
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment) if self.environment is not None else None,
                cwd=self.cwd,
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),
                user=switch.uid if switch else None,
                group=switch.gid if switch else None,
                extra_groups=[] if switch else None,
            )
        self.started = time.monotonic()

    @property
    def exit_code(self) -> int | None:
        """None while it runs (or was never started)."""
        return None if self.process is None else self.process.poll()

    def stop(self) -> None:
        """Ask it to stop, then kill it and whatever is left in its session."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(self.stop_seconds)
        self.kill_session()
        self.process.wait()

    def kill_session(self) -> None:
        """Kill every process of its session, also those that outlived it."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def log_tail(self, lines: int = 3, separator: str = " / ") -> str:
        """Return the last lines that it logged since it was started, for a message."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self.log_start, self.log.stat().st_size - LOG_TAIL_BYTES))
                return separator.join(file.read().decode(errors="replace").strip().splitlines()[-lines:])
        except OSError:
            return ""


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return a function for `preexec_fn` that makes the kernel send `number` when the parent dies (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return arrange
