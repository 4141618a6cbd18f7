"""Runs one RLM completion from its first event to its last (arXiv 2512.24601, algorithm 1).

The levels of the tree work in one task; what can end them from outside (a limit, a person) is watched beside it.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from rlmlab.engine.budget import DEFAULT_COST_USD, GRACE_SECONDS, Meter
from rlmlab.engine.cache import Answers, SubCallCache
from rlmlab.engine.calls import Caller
from rlmlab.engine.clock import Clock
from rlmlab.engine.direct import Direct
from rlmlab.engine.errors import BudgetExhausted, EngineError, LostLease, ProviderError, UnpricedModel
from rlmlab.engine.events import Event, Failure, FinishReason, Log, RunStatus, SpanStatus
from rlmlab.engine.fallbacks import Asker, Circuit
from rlmlab.engine.level import Level, Submitted
from rlmlab.engine.media import MediaPort, Shelf
from rlmlab.engine.memory import MemoryPort
from rlmlab.engine.modes import models_of, narrowed, working
from rlmlab.engine.prompts import opening
from rlmlab.engine.providers.base import ModelInfo, Provider
from rlmlab.engine.providers.credentials import SETTINGS_PAGE
from rlmlab.engine.recollection import Recollection
from rlmlab.engine.record import Record
from rlmlab.engine.replay import take_up
from rlmlab.engine.sharing import share
from rlmlab.engine.spans import OpenSpan, Spans, failure_of
from rlmlab.engine.stream import EventStream
from rlmlab.engine.tools.base import Tool
from rlmlab.engine.tools.toolbox import Toolbox
from rlmlab.engine.tree import LevelSpec, Tree, root_started
from rlmlab.engine.types import STATUS_OF, CancelToken, RunOutcome, RunSpec, Totals
from sandbox.base import Environment
from sandbox.errors import SandboxError

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 30.0  # how long a pause waits for model calls that are under way
SPAN_STATUS: dict[FinishReason, SpanStatus] = {
    "submitted": "ok",
    "fallback": "ok",
    "budget": "error",
    "timeout": "error",
    "error": "error",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How the run ends; `reason` None: it pauses."""

    reason: FinishReason | None
    answer: Any = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """What stopped the work from outside: `cancelled`, `exhausted` or a limit's name."""

    by: str


STOPPED: dict[str, FinishReason | None] = {"cancelled": "cancelled", "paused": None}
T = TypeVar("T")


async def execute(  # noqa: PLR0913 - the means of a run; callers name each
    spec: RunSpec,
    *,
    provider: Provider,
    environment: Environment,
    stream: EventStream,
    clock: Clock,
    cancel: CancelToken | None = None,
    memory: MemoryPort | None = None,
    media: MediaPort | None = None,
    tools: Sequence[Tool] = (),
    cache: SubCallCache | None = None,
    record: Record | None = None,
    shared: Sequence[Event] = (),
) -> RunOutcome:
    """Run to the end and return how it ended; the root span's `span_finished` is the last event.

    Without `memory` the REPL has neither `recall` nor `remember`, and nothing is pinned. `media` reads the images and
    sounds of the spec. All levels have the `tools`. `cache` has answers of sub-calls that were paid for. `record` is
    what is stored of the run already: it is taken up again. `shared` are another run's first events, which a new run
    goes on from. A run that was asked to pause is left as it stands: its root span stays open, and it has no
    `finish_reason`.

    Cancelling the task or the token ends the run as `cancelled`, and the outcome is returned all the same.

    Raises:
        LostLease: another worker owns the run; nothing more was written.
    """
    spec = narrowed(spec)
    answers = Answers(cache, spec.seed)
    price = _priced(spec, provider)
    spans = Spans(stream, clock, record)
    toolbox, shelf = Toolbox(tools, stream, spans), Shelf(spec.media, media)
    means = {"memory": memory is not None, "tools": list(toolbox.tools)}
    with spans.open(root_started(spec, environment, price.limit_usd, means), None) as span:
        if shared and not record:
            spans.record = share(shared, span, stream, _renewed(spec, price.info, memory=memory is not None))
            span.told = deque(spans.record.messages(""))
        spent = take_up(spans.record, span, stream) if spans.record else Totals()
        meter = Meter(spec.budget, clock, price.limit_usd, spent)
        if spans.record:
            span.emit(meter.state())
        asker = Asker(Caller(provider, meter, spans, spec.seed), Circuit(price.fallbacks, clock))
        services = (toolbox,) if memory is None else (Recollection(memory, stream, spans), toolbox)
        tree = Tree(
            spec,
            provider,
            environment,
            stream,
            spans,
            meter,
            asker,
            services,
            memory is not None,
            toolbox,
            answers,
            shelf,
        )
        ending = await _Run(tree, span, clock, cancel or CancelToken()).end(price)
        totals = meter.totals()
        _end(span, ending, totals)
    await _committed(stream)
    status: RunStatus = "paused" if ending.reason is None else STATUS_OF[ending.reason]
    return RunOutcome(status, ending.reason, ending.answer, ending.failure, totals)


def _renewed(spec: RunSpec, info: ModelInfo | None, *, memory: bool) -> str | None:
    """Return the system prompt that replaces another run's in what is shared of it; None: that one stays."""
    if info is None or not spec.renewed_prompt:
        return None
    return opening.system_text(info, spec.system_prompt, memory=memory, sub_calls=spec.mode == "rlm")


def _end(span: OpenSpan, ending: "Ending", totals: Totals) -> None:
    """Set what the root span is closed with; that of a run that pauses stays open."""
    if ending.reason is None:
        span.emit(Log(level="info", message="The run is paused", data={"code": "paused"}))
        span.left_open = True
        return
    span.status = SPAN_STATUS[ending.reason]
    span.failure = ending.failure
    span.seconds = totals.seconds
    span.data = {"finish_reason": ending.reason, "totals": asdict(totals)}


@dataclass(frozen=True, slots=True)
class _Priced:
    """The root's model, those that may stand in, and the limit that follows from what the run's models cost.

    `problem`: why the run cannot start.
    """

    info: ModelInfo | None
    limit_usd: float | None
    fallbacks: tuple[ModelInfo, ...] = ()
    problem: EngineError | None = None


def _priced(spec: RunSpec, provider: Provider) -> _Priced:
    """Look the run's models up: 1 USD by default where all have a price, and no unpriced model under a limit."""
    limit_usd = spec.budget.max_cost_usd
    try:
        own = [provider.info(model) for model in models_of(spec)]
        fallbacks = tuple(provider.info(model) for model in spec.fallback_models)
    except EngineError as error:
        return _Priced(None, limit_usd, problem=error)
    unpriced = [info.model for info in (*own, *fallbacks) if info.price is None]
    if limit_usd is None:
        return _Priced(own[0], None if unpriced else DEFAULT_COST_USD, fallbacks)
    if unpriced:
        named = " and ".join(dict.fromkeys(unpriced))
        message = f"max_cost_usd is set, but no price is known for {named}: set a price under {SETTINGS_PAGE}"
        return _Priced(own[0], limit_usd, fallbacks, UnpricedModel(message))
    return _Priced(own[0], limit_usd, fallbacks)


class _Run:
    """The root level, and what may end it from outside."""

    def __init__(self, tree: Tree, span: OpenSpan, clock: Clock, cancel: CancelToken) -> None:
        self._tree = tree
        self._span = span
        self._clock = clock
        self._cancel = cancel

    async def end(self, priced: _Priced) -> Ending:
        """Work until the run has an end.

        Raises:
            LostLease: another worker owns the run.
        """
        try:
            if priced.info is None or priced.problem is not None:
                raise priced.problem or EngineError("The run has no model")
            return await self._work(priced.info, priced.fallbacks)
        except LostLease:
            raise
        except (EngineError, SandboxError) as error:
            return Ending("error", failure=failure_of(error))
        except Exception as error:  # the run must end, whatever happened
            logger.exception("run %s ended by an unforeseen error", self._tree.spec.run_id)
            return Ending("error", failure=failure_of(error))

    async def _work(self, info: ModelInfo, fallbacks: Sequence[ModelInfo]) -> Ending:
        spec, meter = self._tree.spec, self._tree.meter
        if spec.mode != "direct":
            meter.hold_fallback(info.price, *(other.price for other in fallbacks))
        root = LevelSpec(spec.task, info, 0, "", spec.context, spec.open_context, spec.response_schema)
        level = working(self._tree, root, self._span)
        level.open()
        try:
            ended = await self._race(
                level.run(),
                {"max_seconds": self._clock.sleep(meter.work_seconds_left), "exhausted": self._exhausted()},
            )
        except BudgetExhausted:
            ended = Stopped("exhausted")
        match ended:
            case Submitted(content=content):
                return Ending("submitted", content)
            case Stopped(by="cancelled" | "paused" as by):
                return Ending(STOPPED[by])
            case Stopped(by="exhausted"):
                return await self._fallback(level, meter.exhausted or "max_tokens")
            case Stopped():
                return await self._fallback(level, "max_seconds")
            case None:
                return await self._fallback(level, self._tree.spans.record.exhausted or "max_steps")

    async def _fallback(self, level: Level | Direct, limit: str) -> Ending:
        """Ask for the best answer so far, in what was held back for that."""
        meter = self._tree.meter
        meter.exhaust(limit)
        meter.release_fallback()
        self._span.emit(meter.state())
        reason: FinishReason = "timeout" if limit == "max_seconds" else "budget"
        try:
            ended = await self._race(
                level.fallback(limit, held=True), {"max_seconds": self._clock.sleep(meter.seconds_left)}
            )
            why = "the last call brought no answer"
        except BudgetExhausted:
            ended, why = None, "there was no room left for a last call"
        except ProviderError as error:
            ended, why = None, f"the last call failed: {error}"
        match ended:
            case Submitted(content=content):
                return Ending("fallback", content)
            case Stopped(by="cancelled" | "paused" as by):
                return Ending(STOPPED[by])
            case Stopped():
                why = "there was no time left for a last call"
        return Ending(reason, failure=Failure(code=reason, message=f"{limit} is reached, and {why}"))

    async def _quiet(self) -> None:
        """Return when the run shall pause and no model call is under way any more, or too long."""
        await self._cancel.wait_for_pause()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._tree.asker.close_gate()

    async def _exhausted(self) -> None:
        """Return when the run has been exhausted for so long that its cell is not waited for any more."""
        await self._tree.meter.exhaustion.wait()
        await self._clock.sleep(GRACE_SECONDS)

    async def _race(
        self, work: Coroutine[Any, Any, T], stops: Mapping[str, Coroutine[Any, Any, None]]
    ) -> "T | Stopped":
        """Work until it ends or one of `stops` or a person stops it; when this returns, no part of it runs on."""
        task = asyncio.create_task(work)
        watchers = {asyncio.create_task(stop): name for name, stop in stops.items()}
        watchers[asyncio.create_task(self._cancel.wait())] = "cancelled"
        watchers[asyncio.create_task(self._quiet())] = "paused"
        if self._cancel.cancelled:
            task.cancel()
        try:
            await asyncio.wait({task, *watchers}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._accept_cancel()
        in_time = task.done() and not task.cancelled()
        by = next((name for watcher, name in watchers.items() if watcher.done()), None)
        if by == "paused":
            self._tree.spans.stopped_as = "interrupted"
            self._tree.asker.lock_gate()
        task.cancel()
        for watcher in watchers:
            watcher.cancel()
        await self._ended({task, *watchers})
        if in_time:
            return task.result()
        return self._stopped(task, "cancelled" if self._cancel.cancelled else by)

    def _stopped(self, task: "asyncio.Task[T]", by: str | None) -> "T | Stopped":
        """Say how work ended that was stopped; it may have come to its end all the same."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, LostLease):
            raise error
        if by is None:
            raise EngineError("The run's work was cancelled from within")
        return Stopped(by) if task.cancelled() or error is not None else task.result()

    async def _ended(self, tasks: set["asyncio.Task[Any]"]) -> None:
        """Wait until cancelled tasks have ended: a killed cell is reaped, a connection closed, every span closed."""
        while pending := {task for task in tasks if not task.done()}:
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError:
                self._accept_cancel()

    def _accept_cancel(self) -> None:
        """Make a cancelled task a cancelled run, so that it can still be closed in order."""
        self._cancel.cancel()
        current = asyncio.current_task()
        if current is not None:
            current.uncancel()


async def _committed(stream: EventStream) -> None:
    """Make the run's end durable, even when somebody cancels at this moment."""
    try:
        await stream.commit()
    except asyncio.CancelledError:
        await stream.commit()
