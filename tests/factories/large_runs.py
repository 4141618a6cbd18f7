"""Runs of many spans, as a batch of sub-calls in each step makes them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from rlmlab.engine.events import (
    Answer,
    AnyPayload,
    BudgetState,
    Code,
    Event,
    Failure,
    Message,
    Output,
    SpanFinished,
    SpanKind,
    SpanStarted,
    Usage,
)
from rlmlab.engine.projection import Projection
from rlmlab.engine.stream import EventStream, span_id_of
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from tests.factories.runs import hold, make_run, reload
from trajectories import store
from trajectories.closing import Collected
from trajectories.models import Run

BATCH = 5_000
MODEL = "openai/gpt-5-mini"
FAILS_EVERY = 50


class Ticking:
    """A clock that goes on by a hundredth of a second with every look."""

    def __init__(self) -> None:
        self._at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._at += timedelta(milliseconds=10)
        return self._at

    def monotonic(self) -> float:
        return self._at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)


class Writer:
    """Emits the events of a run's spans; ids come from paths."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._collected = Collected()
        self._stream = EventStream(run.id, [self._collected], Ticking())

    def take(self) -> list[Event]:
        events, self._collected.events = self._collected.events, []
        return events

    def say(self, path: str, payload: AnyPayload, depth: int = 0) -> None:
        above = path.rpartition("/")[0] if "/" in path else ("" if path else None)
        parent = None if above is None else span_id_of(self.run.id, above, 1)
        self._stream.emit(payload, span_id=span_id_of(self.run.id, path, 1), parent_span_id=parent, depth=depth)

    def start(self, path: str, kind: SpanKind, name: str, depth: int = 0, **data: object) -> None:
        self.say(path, SpanStarted(kind=kind, name=name, path=path, data=data), depth)

    def call(self, path: str, reply: str, depth: int = 0) -> None:
        self.start(path, "model_call", MODEL, depth, model=MODEL)
        self.say(path, Message(role="assistant", content=reply, purpose="reply"), depth)
        usage = Usage(input_tokens=900, cached_tokens=300, output_tokens=40, cost_usd=0.000_305)
        self.say(path, SpanFinished(kind="model_call", status="ok", seconds=0.812_345, usage=usage), depth)

    def sub_call(self, path: str, prompt: str, failure: Failure | None) -> None:
        self.start(path, "sub_call", "llm_query", 1, prompt=prompt, function="llm_query")
        self.call(f"{path}/m", f"Seen: {prompt}", 1)
        status = "error" if failure else "ok"
        self.say(path, SpanFinished(kind="sub_call", status=status, seconds=0.9, failure=failure, result="Seen."), 1)

    def step(self, number: int, calls: int) -> None:
        path, cell = f"{number}", f"{number}/x"
        self.start(path, "step", path, number=number)
        self.call(f"{path}/m", f"I ask about part {number}.\n```repl\nprint({number})\n```")
        self.start(cell, "execution", f"cell {number}", cell=number)
        self.say(cell, Code(cell=number, code=f"print({number})"))
        for index in range(calls):
            early = Failure(code="rate_limited", message=f"Call {index} came too soon.")
            bad = None if index % FAILS_EVERY else early
            self.sub_call(f"{cell}/{index}", f"Which invoices of part {number} are due? Chunk {index}.", bad)
        self.say(cell, Output(channel="stdout", text=f"part {number} done\n"))
        self.say(cell, SpanFinished(kind="execution", status="ok", seconds=calls * 0.05))
        self.say(path, BudgetState(spent={"max_tokens": 940.0 * calls * number}, limits={"max_tokens": 1e9}))
        self.say(path, SpanFinished(kind="step", status="ok", seconds=calls * 0.05 + 1))

    def whole(self, steps: int, calls: int) -> Iterator[Event]:
        self.start("", "run", self.run.model, task=self.run.task)
        self.say("", Message(role="user", content=self.run.task, purpose="task"))
        for number in range(1, steps + 1):
            self.step(number, calls)
            yield from self.take()
        self.say("", Answer(content="42", dialect="answer"))
        ended = {"finish_reason": "submitted"}
        self.say("", SpanFinished(kind="run", status="ok", seconds=steps * calls * 0.06, result="42", data=ended))
        yield from self.take()


def large_run(by: Principal, project: Project, *, steps: int, calls: int) -> Run:
    """Return a run that has ended, of `steps` steps with so many sub-calls each.

    It has 1 + steps * (3 + 2 * calls) spans and 4 + steps * (10 + 5 * calls) events.
    """
    run = make_run(by, project, task="Which invoices are due?")
    holder, projection, events = hold(run), Projection(), Writer(run).whole(steps, calls)
    while batch := list(islice(events, BATCH)):
        store.append(holder, store.take(projection, batch))
    return reload(run)
