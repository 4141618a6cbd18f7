"""Keeps the children of an installation running and stops all of them, in order, on a signal."""

import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from rlmlab.embedded.child import Child
from rlmlab.embedded.errors import StartError

POLL_SECONDS = 0.05
WATCH_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 30.0
STABLE_SECONDS = 60.0
LOW_DISK_BYTES = 32 << 20


class Stopped(Exception):
    """Somebody asked us to stop."""


@dataclass(slots=True)
class Supervised:
    """A running child, how to know that it is ready, what to do when it died, and its restart backoff."""

    child: Child
    on_death: Callable[[], None] | None = None
    failures: int = 0
    restart_at: float | None = None


@dataclass(slots=True)
class Supervisor:
    """Starts children in order; stops them in reverse."""

    say: Callable[[str], None]
    children: list[Supervised] = field(default_factory=list)
    errands: list[Child] = field(default_factory=list)
    stopping: bool = False

    def catch_signals(self) -> None:
        """Turn the first SIGINT, SIGTERM or SIGHUP into `Stopped`; later ones are ignored while children stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self.stopping:
            self.stopping = True
            raise Stopped

    def start(
        self,
        child: Child,
        ready: Callable[[], bool],
        *,
        seconds: float = 60.0,
        on_death: Callable[[], None] | None = None,
        hint: str = "",
    ) -> None:
        """Start a child and wait until it is ready.

        Raises:
            StartError: it ended, or was not ready in time; the message holds the end of its log.
        """
        self.children.append(Supervised(child, on_death))
        child.start()
        deadline = time.monotonic() + seconds
        while not ready():
            if child.exit_code is not None:
                raise StartError(f"{child.name} ended at once: {child.log_tail()}. {hint or f'Its log: {child.log}'}")
            if time.monotonic() > deadline:
                raise StartError(f"{child.name} was not ready after {seconds:.0f} s. Its log: {child.log}")
            time.sleep(POLL_SECONDS)

    def run_errand(self, child: Child) -> None:
        """Start a child that ends by itself; what it wrote is said then. It is stopped with the others."""
        child.log.unlink(missing_ok=True)
        child.start()
        self.errands.append(child)

    def watch(self) -> None:
        """Restart whatever dies, with a growing pause, until a signal comes."""
        while True:
            time.sleep(WATCH_SECONDS)
            for supervised in self.children:
                self._look_after(supervised)
            self._collect_errands()

    def _collect_errands(self) -> None:
        for errand in [errand for errand in self.errands if errand.exit_code is not None]:
            self.errands.remove(errand)
            if text := errand.log_tail(lines=4, separator="\n"):
                self.say(text)

    def _look_after(self, supervised: Supervised) -> None:
        child = supervised.child
        now = time.monotonic()
        if supervised.restart_at is not None:
            if now >= supervised.restart_at:
                supervised.restart_at = None
                child.start()
            return
        code = child.exit_code
        if code is None:
            return
        child.kill_session()
        supervised.failures = 0 if now - child.started > STABLE_SECONDS else supervised.failures + 1
        pause = min(LONGEST_BACKOFF_SECONDS, 0.5 * 2 ** max(0, supervised.failures - 1))
        self.say(f"{child.name} ended with {code}; starting it again in {pause:.1f} s (log: {child.log})")
        free = shutil.disk_usage(child.log.parent).free
        if free < LOW_DISK_BYTES:  # on a full disk the log does not say why
            self.say(f"Only {free >> 20} MB are free in {child.log.parent}. Free some; everything goes on then.")
        if supervised.on_death is not None:
            supervised.on_death()
        supervised.restart_at = now + pause

    def stop(self) -> None:
        """Stop all children, the last started first."""
        self.stopping = True
        for errand in self.errands:
            errand.stop()
        for supervised in reversed(self.children):
            supervised.child.stop()
        self.errands.clear()
        self.children.clear()
