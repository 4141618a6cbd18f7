"""What a step costs beyond its model call, early and late in a run, and how long a run takes to its first call.

    python -m tests.benchmarks.engine_steps [--quick]

A zero-latency model over real HTTP, the lean provider, a jailed cell that prints a line, events that go nowhere (so no
commit is waited for). The floor is the same request, byte for byte, over asyncio's streams alone.
"""

import asyncio
import statistics
import time
from dataclasses import replace

from rlmlab.engine.events import SpanStarted
from sandbox.restricted import RestrictedEnvironment
from tests.benchmarks.figures import figure, heading, milliseconds, options, spread
from tests.benchmarks.stage import UNLIMITED, Ran, Stage, model_process, stage

EARLY, LATE, QUICK_LATE = 10, 200, 30
SETUPS = 30
WINDOW = 4  # steps on either side that count as the same place
FLOOR_ROUNDS = 15


async def overhead(on: Stage, ran: Ran, step: int) -> tuple[float, float]:
    """Return the seconds of a step beyond its floor, and the floor: medians over the window."""
    steps = ran.seconds_of("step")
    window = range(max(0, step - 1 - WINDOW), min(len(steps), step + WINDOW))
    floors = [statistics.median(await on.bare_seconds(ran.bodies[place], FLOOR_ROUNDS)) for place in window]
    beyond = [steps[place] - floor for place, floor in zip(window, floors, strict=True)]
    return statistics.median(beyond), statistics.median(floors)


async def setup_seconds(on: Stage, pool: RestrictedEnvironment, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds of runs of one step, with a guest waiting: to the call, and to the run's end less the call."""
    begun, ended = [], []
    for _ in range(rounds):
        while pool.spares == 0:  # noqa: ASYNC110 - nobody says when a spare is there
            await asyncio.sleep(0.005)
        started = time.time()
        ran = await on.run("openai/submit")
        starts = (event for event in ran.events if isinstance(event.payload, SpanStarted))
        call = next(event for event in starts if event.payload.kind == "model_call")
        begun.append(call.at.timestamp() - started)
        ended.append(time.time() - started)
    floor = statistics.median(await on.bare_seconds(ran.bodies[0], FLOOR_ROUNDS))
    return begun, [seconds - floor for seconds in ended]


async def measure(base_url: str, *, quick: bool) -> None:
    """Run to the last step and look back."""
    late = QUICK_LATE if quick else LATE
    budget = replace(UNLIMITED, max_steps=late)
    async with stage(base_url) as on:
        assert isinstance(on.environment, RestrictedEnvironment)
        begun, ended = await setup_seconds(on, on.environment, 5 if quick else SETUPS)
        found = []
        for _ in range(1 if quick else 3):
            ran = await on.run("openai/never", budget=budget)
            found.append((await overhead(on, ran, EARLY), await overhead(on, ran, late)))
    early, late_cost = (min(each[place][0] for each in found) for place in (0, 1))
    floors = [min(each[place][1] for each in found) for place in (0, 1)]
    for step, cost, floor in ((EARLY, early, floors[0]), (late, late_cost, floors[1])):
        against = f"a bare call of {milliseconds(floor)}"
        figure(f"step {step} costs beyond its call", milliseconds(cost), against=against, limit="< 4 ms")
    figure("set-up: from a run's start to its first call", spread(begun), limit="< 10 ms")
    figure("a run of one step beyond its call, REPL from the pool", spread(ended), limit="< 10 ms")
    figure(f"step {late} to step {EARLY}", f"ratio {late_cost / early:.2f}", limit="about 1: flat")


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("engine_steps", quick=found.quick)
    with model_process() as model:
        asyncio.run(measure(model.base_url, quick=found.quick))


if __name__ == "__main__":
    main()
