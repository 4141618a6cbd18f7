"""What a step costs beyond its model call and its commits, with every event in a real PostgreSQL.

    python -m tests.benchmarks.stored_steps [--quick]

The sink is a worker's own. Two floors, both measured right after the run: the same request over asyncio's streams
alone, and the same batches, as the sink made them, appended alone to a second run in the same database. What is left
is the engine's, the sandbox's and the sink's.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ParamSpec, TypeVar

from tests.benchmarks.installation import servers  # first: it settles where the data lies

from rlmlab.engine.events import SpanStarted  # isort: skip
from rlmlab.engine.projection import Projection
from tests.benchmarks.engine_steps import EARLY, FLOOR_ROUNDS, LATE, QUICK_LATE, WINDOW
from tests.benchmarks.figures import figure, heading, milliseconds, options
from tests.benchmarks.stage import UNLIMITED, ModelProcess, Ran, Stage, model_process, stage

P = ParamSpec("P")
T = TypeVar("T")


class OneThread:
    """Does database work in a thread of its own, as a worker's small pool does, and keeps the batches it stored."""

    def __init__(self) -> None:
        self.batches: list[Any] = []
        self._pool = ThreadPoolExecutor(1, "database")

    async def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the work returns."""
        if work.__name__ == "append":
            self.batches.append(args[1])
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *args, **kwargs))

    def __enter__(self) -> "OneThread":
        return self

    def __exit__(self, *_: object) -> None:
        from django.db import connections

        self._pool.submit(connections.close_all).result()
        self._pool.shutdown()


@dataclass(frozen=True)
class Cost:
    """A step beyond its floors, and the floors, in seconds."""

    beyond: float
    call: float
    commits: float


async def stored_run(on: Stage, database: OneThread, tenant: Any, late: int) -> tuple[Ran, list[float]]:
    """Run to the last step under a lease; return the run and the seconds of each of its batches, stored alone."""
    from tests.factories.runs import hold, make_run
    from trajectories.sinks import DatabaseSink
    from trajectories.store import append
    from trajectories.writer import Writer

    def held() -> Any:
        return hold(make_run(tenant.principal, tenant.project))

    database.batches.clear()
    first, second = await database(held), await database(held)
    sink = DatabaseSink(first, Projection(), Writer(database).append, lambda _: None)
    budget = replace(UNLIMITED, max_steps=late)
    ran = await on.run("openai/never", run_id=first.run_id, stored=[sink], budget=budget)
    await sink.close()
    batches, alone = list(database.batches), []
    for batch in batches:
        started = time.perf_counter()
        await database(append, second, batch)
        alone.append(time.perf_counter() - started)
    database.batches[:] = batches
    return ran, alone


async def costs(on: Stage, ran: Ran, stored: list[tuple[Any, float]], step: int) -> Cost:
    """Compute what a step costs: medians over the window."""
    starts = [event for event in ran.events if isinstance(event.payload, SpanStarted) and event.payload.kind == "step"]
    seconds, found = ran.seconds_of("step"), []
    for place in range(max(0, step - 1 - WINDOW), min(len(seconds), step + WINDOW)):
        until = starts[place + 1].seq if place + 1 < len(starts) else ran.events[-1].seq
        commits = sum(cost for batch, cost in stored if starts[place].seq <= batch.last < until)
        call = statistics.median(await on.bare_seconds(ran.bodies[place], FLOOR_ROUNDS))
        found.append(Cost(seconds[place] - call - commits, call, commits))
    return Cost(*(statistics.median(getattr(cost, name) for cost in found) for name in ("beyond", "call", "commits")))


async def measure(model: ModelProcess, tenant: Any, *, quick: bool) -> None:
    """Run, store the same again, look back; the better of the rounds counts."""
    late = QUICK_LATE if quick else LATE
    rounds = []
    async with stage(model.base_url) as on:
        for _ in range(1 if quick else 3):
            with OneThread() as database:
                ran, alone = await stored_run(on, database, tenant, late)
                stored = list(zip(database.batches, alone, strict=True))
            rounds.append([await costs(on, ran, stored, step) for step in (EARLY, late)])
    best = [min((costs_[at] for costs_ in rounds), key=lambda cost: cost.beyond) for at in (0, 1)]
    for step, cost in zip((EARLY, late), best, strict=True):
        against = f"a bare call of {milliseconds(cost.call)} and its commits alone, {milliseconds(cost.commits)}"
        figure(f"stored step {step} costs beyond both", milliseconds(cost.beyond), against=against, limit="< 4 ms")
    shown = f"ratio {best[1].beyond / best[0].beyond:.2f}"
    figure(f"stored step {late} to step {EARLY}", shown, limit="about 1: flat")


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("stored_steps", quick=found.quick)
    with servers(), model_process() as model:
        from tests.factories.tenancy import make_tenant

        tenant = make_tenant("acme", "ada@acme.example")
        asyncio.run(measure(model, tenant, quick=found.quick))


if __name__ == "__main__":
    main()
