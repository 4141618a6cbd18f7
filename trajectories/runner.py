"""Works on runs: one event loop in a thread of its own a worker process, and a few threads for the database.

Celery's messages only say that there may be a run to take; how many are in work at a time is the intake's to keep. The
runs' leases are kept by one heartbeat for all of them; a message, or failing that the heartbeat, tells it to stop one.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import close_old_connections

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.errors import LostLease
from rlmlab.engine.providers.access import SharedProvider
from rlmlab.engine.types import CancelToken
from trajectories import fairness, leases, queue
from trajectories.database import AWAY
from trajectories.doorbell import CHANNEL_ERRORS
from trajectories.environments import Environments
from trajectories.execution import Execution
from trajectories.intake import Intake
from trajectories.stopping import stop
from trajectories.store import Holder
from trajectories.writer import Writer

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

DATABASE_THREADS: Final = 4
GRACE_SECONDS: Final = 5.0
RELISTEN_SECONDS: Final = 1.0
GONE: Final = leases.Beat(0, cancel_requested=False, pause_requested=False)


@dataclass(slots=True)
class Active:
    """A run in work: whose it is, how to stop it, how to take it away."""

    holder: Holder
    task: "asyncio.Task[None]" = field(init=False)
    cancel: CancelToken = field(default_factory=CancelToken)
    execution: Execution | None = None
    taken: bool = False

    def take_away(self) -> None:
        """Stop working and write nothing more: the run is another's, or will be. Asked again, let it end in peace."""
        if self.taken:
            return
        self.taken = True
        if self.execution is not None:
            self.execution.abandon(LostLease(f"run {self.holder.run_id} was taken away"))
        self.task.cancel()


class Runner:
    """The event loop of one worker process; `make_provider` is called on it, and runs wait for what it makes."""

    def __init__(self, make_provider: Callable[[], Awaitable[SharedProvider]]) -> None:
        self.owner = leases.owner_name()
        self._make_provider = make_provider
        self._clock = SystemClock()
        self._active: dict[UUID, Active] = {}
        self._drained: asyncio.Task[None] | None = None
        self._threads = ThreadPoolExecutor(DATABASE_THREADS, "database")
        self._pulse = ThreadPoolExecutor(1, "heartbeat")
        self._taking = ThreadPoolExecutor(1, "claims")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="runs", daemon=True)
        self._upkeep: list[asyncio.Task[None]] = []
        self._writer = Writer(self._database)
        self._provider: asyncio.Future[SharedProvider]
        self._environments: Environments
        self._intake: Intake

    # called from other threads

    def start(self) -> None:
        """Start the loop, its heartbeat and its ear for cancellations."""
        self._thread.start()
        self._submit(self._start()).result()

    def wake(self) -> bool:
        """Take runs if there are any and a place is free; False: there is none, and the message is another worker's."""
        return self._submit(self._offer()).result()

    def sweep(self) -> int:
        """Wake workers for runs that nobody works on; return how many."""
        return self._submit(self._database(leases.sweep)).result()

    def drain(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Begin to stop: runs that do not end within the grace are given up, so that another worker takes them."""
        self._submit(self._drain(grace_seconds))

    def stop(self) -> None:
        """End the loop, once the drain is done; without one, give up what is left."""
        self._submit(self._stop()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._threads.shutdown()
        self._pulse.shutdown()
        self._taking.shutdown()

    def _submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    # on the loop

    async def _start(self) -> None:
        self._provider = asyncio.ensure_future(self._make_provider())
        self._environments = Environments()
        self._upkeep = [asyncio.create_task(self._beat()), asyncio.create_task(self._listen())]
        limits = settings.RLMLAB
        self._intake = Intake(limits.worker_runs, self._take, self._begin, look_seconds=limits.sweep_seconds)

    async def _stop(self) -> None:
        await self._drain(0.0)
        await self._writer.close()
        await stop(*self._upkeep)
        await self._environments.close()
        await (await self._provider).close()
        await get_channel_layer().flush()

    async def _database(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        call = partial(_on_lasting_connection, partial(work, *args, **kwargs))
        return await self._loop.run_in_executor(self._threads, call)

    async def _offer(self) -> bool:
        return await self._intake.offer()

    async def _take(self, places: int) -> list[Holder]:
        """Claim on a thread of its own: what is in work keeps the others busy."""
        take = partial(fairness.claim_next, owner=self.owner, places=places, but_not=tuple(self._active))
        return await self._loop.run_in_executor(self._taking, partial(_on_lasting_connection, take))

    def _begin(self, holder: Holder) -> "asyncio.Task[None]":
        active = self._active[holder.run_id] = Active(holder)
        active.task = asyncio.create_task(self._work(active))
        active.task.add_done_callback(lambda _: self._forget(active))
        return active.task

    def _forget(self, active: Active) -> None:
        """Let go of a run, unless it was claimed anew while this work on it came to its end."""
        if self._active.get(active.holder.run_id) is active:
            del self._active[active.holder.run_id]

    async def _work(self, active: Active) -> None:
        execution = active.execution = Execution(active.holder, self._database, self._writer, self._clock)
        try:
            await execution.run(await self._provider, self._environments, active.cancel)
        except LostLease as error:
            logger.warning("stopped working: %s", error)
        except asyncio.CancelledError:
            logger.warning("stopped working on run %s before it began", active.holder.run_id)
        except Exception:
            logger.exception("run %s failed in the runner", active.holder.run_id)
            await execution.close_broken()

    async def _drain(self, grace_seconds: float) -> None:
        if self._drained is None:
            self._drained = asyncio.create_task(self._give_up_after(grace_seconds))
        await self._drained

    async def _give_up_after(self, grace_seconds: float) -> None:
        await self._intake.close()
        if tasks := {active.task for active in self._active.values()}:
            await asyncio.wait(tasks, timeout=grace_seconds)
        left = list(self._active.values())
        for active in left:
            active.take_away()
        if left:
            await asyncio.wait({active.task for active in left})
        for active in left:
            await self._database(leases.give_up, active.holder)

    async def _beat(self) -> None:
        """Prolong the leases of all active runs, and learn which are lost and which are to be stopped."""
        while True:
            await asyncio.sleep(settings.RLMLAB.heartbeat_seconds)
            held = {run_id: active.holder.fence for run_id, active in self._active.items()}
            if not held:
                continue
            call = partial(_on_lasting_connection, partial(leases.beat, owner=self.owner, run_ids=list(held)))
            try:
                alive = await self._loop.run_in_executor(self._pulse, call)
            except AWAY:
                logger.warning("the heartbeat cannot reach the database", exc_info=True)
                continue
            for run_id, fence in held.items():
                self._heed(run_id, fence, alive.get(run_id, GONE))

    def _heed(self, run_id: UUID, fence: int, found: leases.Beat) -> None:
        active = self._active.get(run_id)
        if active is None or active.holder.fence != fence:
            return
        if found.fence != fence and not active.task.done():
            active.take_away()
        elif found.cancel_requested:
            active.cancel.cancel()
        elif found.pause_requested:
            active.cancel.pause()

    async def _listen(self) -> None:
        """Stop runs that somebody cancels; where the channel layer is away, the heartbeat does it later."""
        layer = get_channel_layer()
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(queue.WORKERS, channel)
                while True:
                    message = await layer.receive(channel)
                    active = self._active.get(UUID(message["run_id"]))
                    if active is None:
                        continue
                    if message["type"] == queue.CANCEL:
                        active.cancel.cancel()
                    elif message["type"] == queue.PAUSE:
                        active.cancel.pause()
            except CHANNEL_ERRORS:
                logger.warning("the channel layer cannot be reached", exc_info=True)
                await asyncio.sleep(RELISTEN_SECONDS)


def _on_lasting_connection(work: Callable[[], T]) -> T:
    """Use the thread's own connection, replaced where it broke or grew old."""
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()
