"""A run over 100 MB of ASCII text: the time that its size costs in 5 steps, and the memory that it costs.

    python -m tests.benchmarks.large_context [--quick]

Time: 5 steps that look at the text, less the same 5 steps over 1 kB. Memory: the proportional set size (PSS) of this
process and all its guests, less what it was before the run, as a multiple of the text's size; sampled in a run of its
own, because sampling costs time. The text comes in chunks of 1 MB, as a worker reads it from the database.
"""

import asyncio
import os
import statistics
import threading
import time
from collections.abc import Iterator

from rlmlab.engine.types import ContextInfo
from sandbox.base import ContextSource, context_in_memory
from tests.benchmarks.figures import figure, heading, options
from tests.benchmarks.memory import family, pss_bytes
from tests.benchmarks.stage import ModelProcess, Ran, Stage, model_process, stage
from tests.fakes.replies import code, submit

CHUNK = (b"All work and no play makes a long text of ASCII letters.\n" * 20_000)[: 1 << 20]
SMALL = 1_000
LOOK = code(
    'middle = len(context) // 2\nprint(middle, context[middle : middle + 40], context.count("play", 0, 10_000))'
)
SAMPLE_SECONDS = 0.002


def chunks(size: int) -> Iterator[bytes]:
    """Yield a text of `size` bytes."""
    for start in range(0, size, len(CHUNK)):
        yield CHUNK[: size - start]


async def run(on: Stage, model: ModelProcess, size: int, steps: int = 5) -> Ran:
    """Look at a text in all steps but the last, which submits."""

    async def open_context() -> ContextSource:
        return context_in_memory("text", chunks(size))

    model.script("looking", *[LOOK] * (steps - 1), submit("seen"))
    ran = await on.run("openai/looking", context=ContextInfo("text", size), open_context=open_context)
    assert (ran.outcome.totals.steps, ran.outcome.answer) == (steps, "seen")
    return ran


class Sampler:
    """Watches the memory of this process and its guests from a thread, while the block lasts."""

    def __init__(self, without: int) -> None:
        self.samples: list[int] = []
        self._without = without
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def now(self) -> int:
        """Add it all up."""
        try:
            return sum(pss_bytes(pid) for pid in family(os.getpid(), self._without))
        except (FileNotFoundError, ProcessLookupError):  # a guest ended while it was read
            return 0

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.samples.append(self.now())


async def time_it(on: Stage, model: ModelProcess, size: int, rounds: int) -> None:
    """Print what the size costs in time; the rounds alternate."""
    large: list[float] = []
    small: list[float] = []
    for _ in range(rounds):
        for found, given in ((large, size), (small, SMALL)):
            started = time.perf_counter()
            await run(on, model, given)
            found.append(time.perf_counter() - started)
    floor, whole = statistics.median(small), statistics.median(large)
    shown = f"{whole - floor:.3f} s for {size / 1e6:.0f} MB, ratio {whole / floor:.1f}"
    figure("5 steps, for the size alone", shown, against=f"{floor:.3f} s for 1 kB", limit="< 0.4 s for 100 MB")


async def weigh(on: Stage, model: ModelProcess, size: int) -> None:
    """Print what the size costs in memory: the highest sample, and the usual one once the text is handed over."""
    with Sampler(model.pid) as sampler:
        before = sampler.now()
        await run(on, model, size, steps=60)
    grown = [(sample - before) / size for sample in sampler.samples]
    held = [share for share in grown if share > 0.5]  # the guest has it
    after = statistics.median(held[len(held) // 2 :]) if held else float("nan")
    against = f"{before / 1e6:.0f} MB before, {len(grown)} samples"
    figure("memory at the peak", f"{max(grown):.2f} x its size", against=against, limit="<= 2.1")
    figure("memory afterwards", f"{after:.2f} x its size", limit="<= 1.3")


async def measure(model: ModelProcess, *, quick: bool) -> None:
    """Measure both."""
    size = 20_000_000 if quick else 100_000_000
    async with stage(model.base_url) as on:
        await time_it(on, model, size, 1 if quick else 5)
        await weigh(on, model, size)


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("large_context", quick=found.quick)
    with model_process() as model:
        asyncio.run(measure(model, quick=found.quick))


if __name__ == "__main__":
    main()
