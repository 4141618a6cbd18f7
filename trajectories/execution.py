"""One run in a worker, from its row to its last event."""

import logging
from dataclasses import dataclass

from rlmlab import scoping
from rlmlab.engine.clock import Clock
from rlmlab.engine.errors import LostLease
from rlmlab.engine.interrupted import LOST, Verdict, close_interrupted, poisoned
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.projection import Projection
from rlmlab.engine.providers.access import Access, SharedProvider
from rlmlab.engine.record import Record
from rlmlab.engine.stream import EventStream
from rlmlab.engine.types import CancelToken
from rlmlab.tenancy.catalogs import load_access
from sandbox.base import ContextSource
from trajectories import contexts, leases
from trajectories.answers import RunAnswers
from trajectories.database import Database
from trajectories.doorbell import Doorbell
from trajectories.environments import Environments
from trajectories.improvement.examples import engine_examples
from trajectories.media import RunMedia
from trajectories.memories import RunMemory, pinned_for
from trajectories.models import Run, RunInput
from trajectories.sinks import DatabaseSink
from trajectories.specs import Shared, Shown, run_spec
from trajectories.stopping import to_the_end
from trajectories.store import Holder
from trajectories.stored import shared_with, stored_events
from trajectories.tools import tools_of
from trajectories.writer import Writer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run as the worker found it: its row, its inputs, what is stored of it and the fold of that.

    `shown` is what its model sees of earlier runs, `shared` what it has from the run that it goes on from, `access`
    what its organization calls models with.
    """

    run: Run
    inputs: list[RunInput]
    record: Record
    projection: Projection
    shared: Shared
    shown: Shown
    access: Access


class Execution:
    """Connects the engine to the database and the doorbell for one claim of one run."""

    def __init__(self, holder: Holder, database: Database, writer: Writer, clock: Clock) -> None:
        self._holder = holder
        self._database = database
        self._writer = writer
        self._clock = clock
        self._sink: DatabaseSink | None = None
        self._abandoned: LostLease | None = None

    def abandon(self, failure: LostLease) -> None:
        """Write nothing more."""
        self._abandoned = failure
        if self._sink is not None:
            self._sink.fail(failure)

    async def run(self, provider: SharedProvider, environments: Environments, cancel: CancelToken) -> None:
        """Execute the run, from where it was left where another worker had begun it.

        Raises:
            LostLease: the run belongs to somebody else now.
        """
        loaded = await self._database(load, self._holder)
        if loaded.run.cancel_requested:
            cancel.cancel()
        if loaded.run.pause_requested:
            cancel.pause()
        if loaded.run.takeovers > leases.MOST_TAKEOVERS:
            await self._close(loaded, poisoned(loaded.run.takeovers))
            return
        environment = await environments.get(loaded.run.environment)
        if loaded.run.environment_level != environment.level:
            await self._database(note_level, self._holder, environment.level)

        async def open_context() -> ContextSource | None:
            return await self._database(open_source, loaded.run, loaded.inputs)

        spec = run_spec(loaded.run, loaded.inputs, open_context, loaded.shown, loaded.shared)
        memory = RunMemory(loaded.run, self._database) if loaded.run.use_memory else None
        answers = RunAnswers(loaded.run, loaded.access, self._database) if loaded.run.use_cache else None
        doorbell = Doorbell(self._holder.run_id)
        stream = self._stream(loaded.projection, doorbell)
        try:
            outcome = await execute(
                spec,
                provider=provider.for_access(loaded.access),
                environment=environment,
                stream=stream,
                clock=self._clock,
                cancel=cancel,
                memory=memory,
                cache=answers,
                record=loaded.record,
                shared=loaded.shared.events,
                media=RunMedia(loaded.inputs, self._database),
                tools=tools_of(loaded.run, loaded.inputs, self._database),
            )
            if outcome.status == "paused":
                await self._database(leases.pause, self._holder)
        finally:
            if answers is not None:
                await to_the_end(answers.close())
            await to_the_end(self._hang_up(doorbell))

    async def close_broken(self) -> None:
        """End a run that our own fault left open, from what is stored of it."""
        self._abandoned = None
        try:
            await self._close(await self._database(load, self._holder))
        except Exception:
            logger.exception("run %s cannot be closed; its lease will run out", self._holder.run_id)

    async def _close(self, loaded: Loaded, verdict: Verdict = LOST) -> None:
        doorbell = Doorbell(self._holder.run_id)
        projection = loaded.projection
        stream = self._stream(projection, doorbell)
        open_spans = [row for row in projection.spans.values() if row.status == "running"]
        try:
            close_interrupted(
                open_spans,
                totals=projection.totals,
                stream=stream,
                now=self._clock.now(),
                model=loaded.run.model,
                verdict=verdict,
            )
            await stream.commit()
        finally:
            await to_the_end(self._hang_up(doorbell))

    def _stream(self, projection: Projection, doorbell: Doorbell) -> EventStream:
        last_seq = projection.last_seq
        self._sink = DatabaseSink(self._holder, projection, self._writer.append, doorbell.rang)
        if self._abandoned is not None:
            self._sink.fail(self._abandoned)
        return EventStream(self._holder.run_id, [self._sink, doorbell], self._clock, last_seq)

    async def _hang_up(self, doorbell: Doorbell) -> None:
        if self._sink is not None:
            await self._sink.close()
        await doorbell.close()


def load(holder: Holder) -> Loaded:
    """Read a run with its inputs and fold what is stored of it.

    Raises:
        LostLease: it is not the holder's any more.
    """
    with scoping.organization(holder.organization_id):
        run = holder.rows().select_related("project", "prompt_version__prompt").first()
        if run is None:
            raise LostLease(f"run {holder.run_id} is not held under fence {holder.fence} any more")
        events = stored_events(run)
        projection = Projection()
        for event in events:
            projection.apply(event)
        projection.take_changed()
        shown = Shown(
            pinned_memories=pinned_for(run) if run.use_memory else (),
            examples=engine_examples(run) if run.use_examples else (),
        )
        return Loaded(
            run=run,
            inputs=contexts.inputs_of(run),
            record=Record(events),
            projection=projection,
            shared=shared_with(run, begun=bool(events)),
            shown=shown,
            access=load_access(run.organization_id),
        )


def note_level(holder: Holder, level: str) -> None:
    """Keep on the run how strong its environment's walls are here."""
    with scoping.organization(holder.organization_id):
        holder.rows().update(environment_level=level)


def open_source(run: Run, inputs: list[RunInput]) -> ContextSource | None:
    """Open the run's input for a REPL."""
    with scoping.organization(run.organization_id):
        return contexts.open_source(run, inputs)
