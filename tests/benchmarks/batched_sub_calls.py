"""64 sub-calls of 100 ms from one cell, through the whole engine, against a bare asyncio HTTP loop in the same run.

    python -m tests.benchmarks.batched_sub_calls [--quick]

The provider alone is measured by `batched_calls`; here a cell calls `llm_query_batched`, so budget, events, bridge and
guest are in it. The rounds alternate, so that other load of the machine falls on both.
"""

import asyncio
import statistics
import time

from tests.benchmarks.figures import figure, heading, options
from tests.benchmarks.stage import ModelProcess, Stage, model_process, stage
from tests.fakes.replies import code

CALLS = 64
CELL = code(
    f'results = llm_query_batched([f"item {{i}}" for i in range({CALLS})])\n'
    'answer["content"] = len(results)\nanswer["ready"] = True'
)


async def engine_round(on: Stage, model: ModelProcess) -> tuple[float, list[bytes]]:
    """Return the seconds of the cell that asks, and the bodies of its sub-calls."""
    model.script("batching", CELL)
    ran = await on.run("openai/batching", sub_model="openai/delay-100")
    assert ran.outcome.answer == CALLS
    return ran.seconds_of("execution")[0], ran.bodies[1:]


async def bare_round(on: Stage, bodies: list[bytes]) -> float:
    """Return the seconds of the same calls, all at once, over asyncio's streams alone."""
    started = time.perf_counter()
    await asyncio.gather(*(on.bare.post(body) for body in bodies))
    return time.perf_counter() - started


async def measure(model: ModelProcess, *, quick: bool) -> None:
    """Compare."""
    rounds = []
    async with stage(model.base_url) as on:
        for _ in range(2 if quick else 9):
            ours, bodies = await engine_round(on, model)
            rounds.append((await bare_round(on, bodies), ours))
    for name, chosen in (("cold", rounds[:1]), ("warm", rounds[1:])):
        floor, ours = (statistics.median(seconds) for seconds in zip(*chosen, strict=True))
        shown = f"{ours:.3f} s, ratio {ours / floor:.2f}"
        figure(f"{CALLS} sub-calls, {name}", shown, against=f"a bare loop of {floor:.3f} s", limit="ratio <= 1.35")


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("batched_sub_calls", quick=found.quick)
    with model_process() as model:
        asyncio.run(measure(model, quick=found.quick))


if __name__ == "__main__":
    main()
