"""What goes wrong on purpose in an engine test: the model server's answers, and the processes that runs need."""

import hashlib
import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rlmlab.modelserver.scripted.replies import RATE_LIMITED, Behaviour, Call, Reply

REPLY_FAULTS: Final[dict[str, Callable[[Reply], Reply]]] = {
    "429": lambda _: RATE_LIMITED,
    "500": lambda _: Reply(status=500, error="the scripted server fails"),
    "cut": lambda reply: replace(reply, cut_after_chunks=2),
    "slow": lambda reply: replace(reply, delay_seconds=0.5),
    "malformed": lambda reply: replace(reply, malformed_chunk=True),
}
"""Each changes the first answer to a call; the same call asked again is answered well."""
SANDBOX: Final = "sandbox"
FAULTS: Final = (*REPLY_FAULTS, SANDBOX)
ONE_IN: Final = 3
KILL_EVERY_SECONDS: Final = 1.0


class Faulty:
    """A behaviour of which one answer in three goes wrong at first, always the same ones; `met` counts them."""

    def __init__(self, behaviour: Behaviour, faults: Sequence[str], seed: int) -> None:
        self.met: Counter[str] = Counter()
        self._behaviour = behaviour
        self._faults = [fault for fault in faults if fault in REPLY_FAULTS]
        self._seed = seed

    def __call__(self, call: Call) -> Reply:
        """Answer, or fail."""
        reply = self._behaviour(call)
        if not self._faults or call.attempt:
            return reply
        told = f"{self._seed}{call.model}{json.dumps(list(call.messages))}"
        drawn = int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big")
        if drawn % ONE_IN:
            return reply
        fault = self._faults[drawn // ONE_IN % len(self._faults)]
        self.met[fault] += 1
        return REPLY_FAULTS[fault](reply)


class GuestKiller:
    """Kills a guest of a worker every second while the block lasts; `killed` counts them.

    Only for a worker of one's own: whose runs the guests belong to is not asked.
    """

    def __init__(self, worker_pid: int, seed: int) -> None:
        self.killed = 0
        self._chance = random.Random(seed)  # noqa: S311  no secret
        self._worker_pid = worker_pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._kill, name="guest-killer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _kill(self) -> None:
        while not self._over.wait(KILL_EVERY_SECONDS):
            guests = list(guests_of(self._worker_pid))
            with suppress(ProcessLookupError):
                if guests:
                    os.kill(self._chance.choice(guests), signal.SIGKILL)
                    self.killed += 1


def guests_of(worker_pid: int) -> Iterator[int]:
    """Yield the processes that run cells for a worker: what its zygotes forked."""
    for zygote in _children(worker_pid):
        yield from _children(zygote)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found
