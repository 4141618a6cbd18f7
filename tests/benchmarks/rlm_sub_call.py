"""What an rlm sub-call costs with a zero-latency model: a level of its own, with a jailed REPL, a call and a cell.

    python -m tests.benchmarks.rlm_sub_call [--quick]

One cell makes them one after another, so each waits for a REPL as a real one would. The floor is its model call alone.
"""

import asyncio
import statistics

from tests.benchmarks.figures import figure, heading, milliseconds, options, spread
from tests.benchmarks.stage import ModelProcess, model_process, stage
from tests.fakes.replies import code, submit


def cell(count: int) -> str:
    """Ask `count` questions one after another."""
    return code(
        f'for i in range({count}):\n    last = rlm_query(f"item {{i}}")\nanswer["content"] = last\n'
        'answer["ready"] = True'
    )


async def measure(model: ModelProcess, *, quick: bool) -> None:
    """Time the sub-calls of one run."""
    count = 10 if quick else 200
    model.script("asking", cell(count), *[submit("leaf")] * count)
    async with stage(model.base_url) as on:
        ran = await on.run("openai/asking")
        assert ran.outcome.answer == "leaf"
        model.script("asking", *[submit("leaf")] * 30)
        floor = statistics.median(await on.bare_seconds(ran.bodies[-1], 30))
    seconds = ran.seconds_of("sub_call", depth=1)
    assert len(seconds) == count
    figure(
        "an rlm sub-call",
        f"{spread(seconds)}, ratio {statistics.median(seconds) / floor:.1f}",
        against=f"its bare model call of {milliseconds(floor)}",
        limit="< 15 ms",
    )


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("rlm_sub_call", quick=found.quick)
    with model_process() as model:
        asyncio.run(measure(model, quick=found.quick))


if __name__ == "__main__":
    main()
