"""RLM Lab beside other RLM engines: the same scripted model, the same machine, the same moment.

    python -m tests.benchmarks.peers [--quick]

Each peer runs in an environment of its own, made on demand from its lock file (requirements/peers-*.txt) under
~/.cache/rlmlab/peers or RLMLAB_PEERS_DIR, and in the fastest way of working that it documents; see its driver in
tests/benchmarks/peer_drivers/. RLM Lab runs in its jail, without a database, as in the other benchmarks of the engine;
the peers run code without any walls. What a step costs is told by the server, which sees when the next call arrives,
less the same call over asyncio's streams alone.
"""

import asyncio
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rlmlab.engine.types import ContextInfo
from sandbox.base import ContextSource, context_in_memory
from tests.benchmarks.figures import figure, heading, milliseconds, options
from tests.benchmarks.large_context import LOOK, Sampler, chunks
from tests.benchmarks.stage import UNLIMITED, ModelProcess, Stage, model_process, stage
from tests.fakes.replies import code, submit

ROOT = Path(__file__).parents[2]
NAMES = ("rlms", "dspy", "minrlm")
MODEL = "peer"
EARLY = 10
WINDOW = 4
CALLS = 64
SMALL = 1_000
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    late: int = 200
    rounds: int = 7
    batches: int = 3
    large: int = 100_000_000
    recursions: int = 20


QUICK = Sizes(late=30, rounds=2, batches=1, large=10_000_000, recursions=3)


@dataclass
class Found:
    """What came of one engine: seconds of whole runs, and growth of memory as a multiple of the text."""

    name: str
    setup: float = 0.0
    steps: dict[int, float] = field(default_factory=dict)
    floors: dict[int, float] = field(default_factory=dict)
    batch: float = 0.0
    large: float = 0.0
    peak: float = 0.0
    recursive: float | None = None
    cannot: str = ""


def environment(name: str) -> Path:
    """Make the environment of a peer where it is not there yet; return its interpreter."""
    lock = ROOT / "requirements" / f"peers-{name}.txt"
    home = Path(os.environ.get("RLMLAB_PEERS_DIR") or Path.home() / ".cache" / "rlmlab" / "peers")
    folder = home / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / ".whole").exists():
        uv = str(ROOT / ".venv" / "bin" / "uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock)]
        subprocess.run(install, check=True)
        (folder / ".whole").touch()
    return python


class PeerProcess:
    """Runs a peer's driver, each time in a new process."""

    def __init__(self, name: str, model: ModelProcess) -> None:
        self.version = ""
        self._model = model
        self._command = [str(environment(name)), str(ROOT / "tests/benchmarks/peer_drivers" / f"{name}.py")]

    def measure(self, what: str, number: int) -> dict[str, Any]:
        """Measure one thing; the driver's answer."""
        command = [*self._command, self._model.base_url, what, str(number)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
        return self._answer(done.stdout, done.stderr, done.returncode)

    def weigh(self, size: int) -> tuple[float, float]:
        """Return the seconds of a run over a text of this size and the peak of memory, as a multiple of the size."""
        command = [*self._command, self._model.base_url, "large", str(size)]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
            Sampler(self._model.pid) as sampler,
        ):
            assert process.stdout is not None
            while process.stdout.readline().strip() not in {"begin", ""}:
                pass
            before = sampler.now()
            out, err = process.communicate(timeout=PATIENCE_SECONDS)
        found = self._answer(out, err, process.returncode)
        return found["seconds"][0], (max(sampler.samples) - before) / size

    def _answer(self, out: str, err: str, code_: int) -> dict[str, Any]:
        if code_:
            raise RuntimeError(f"{self._command[-1]}: {err[-1000:]}")
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        self.version = found["version"]
        return found


def control(model: ModelProcess, command: str) -> Any:
    """Ask the server what it saw."""
    with urllib.request.urlopen(f"{model.base_url.removesuffix('/v1')}/control/{command}") as answer:  # noqa: S310
        return json.load(answer)


async def step_costs(on: Stage, model: ModelProcess, found: Found, late: int) -> None:
    """Compute from what the server saw of the last run what steps cost beyond their calls."""
    at, calls = control(model, "times"), control(model, "calls")
    model.script(MODEL, *["fine"] * (4 * WINDOW + 2))
    for step in (EARLY, late):
        places = range(max(0, step - 1 - WINDOW), min(len(at) - 1, step - 1 + WINDOW))
        body = calls[min(step, len(calls)) - 1]["body"] | {"stream": True}
        found.floors[step] = statistics.median(await on.bare_seconds(json.dumps(body).encode(), 2 * WINDOW))
        found.steps[step] = statistics.median(at[place + 1] - at[place] for place in places) - found.floors[step]


async def peer(on: Stage, model: ModelProcess, name: str, sizes: Sizes) -> Found:
    """Measure a peer."""
    process = await asyncio.to_thread(PeerProcess, name, model)
    found = Found(name)
    found.setup = statistics.median((await asyncio.to_thread(process.measure, "setup", sizes.rounds))["seconds"])
    await asyncio.to_thread(process.measure, "steps", sizes.late)
    await step_costs(on, model, found, sizes.late)
    batches = (await asyncio.to_thread(process.measure, "batch", sizes.batches))["seconds"]
    found.batch = statistics.median(batches) - found.setup
    small = (await asyncio.to_thread(process.measure, "large", SMALL))["seconds"][0]
    seconds, found.peak = await asyncio.to_thread(process.weigh, sizes.large)
    found.large = seconds - small
    deep = await asyncio.to_thread(process.measure, "recursive", sizes.recursions)
    found.cannot = deep.get("cannot", "")
    found.recursive = None if found.cannot else (deep["seconds"][0] - found.setup) / sizes.recursions
    found.name = f"{name} {process.version}"
    return found


async def timed(on: Stage, model: ModelProcess, replies: Sequence[Any], **fields: Any) -> float:
    """Time one of our runs that gets these replies."""
    model.script(MODEL, *replies)
    started = time.perf_counter()
    await on.run(f"openai/{MODEL}", **fields)
    return time.perf_counter() - started


async def ours(on: Stage, model: ModelProcess, sizes: Sizes) -> Found:
    """Measure RLM Lab in the same way."""
    found, end = Found("RLM Lab"), submit("42")
    found.setup = statistics.median([await timed(on, model, [end]) for _ in range(sizes.rounds)])
    prints = [code(f'print("turn", {number})') for number in range(sizes.late - 1)]
    await timed(on, model, [*prints, end], budget=replace(UNLIMITED, max_steps=sizes.late))
    await step_costs(on, model, found, sizes.late)
    ask = f'results = llm_query_batched([f"item {{i}}" for i in range({CALLS})])'
    cell = code(f'{ask}\nanswer["content"] = len(results)\nanswer["ready"] = True')
    batch = [cell, *[{"text": "fine", "delay_seconds": 0.1}] * CALLS]
    batches = [await timed(on, model, batch) for _ in range(sizes.batches)]
    found.batch = statistics.median(batches) - found.setup
    small, _ = await large_run(on, model, SMALL)
    seconds, found.peak = await large_run(on, model, sizes.large)
    found.large = seconds - small
    loop = f'for number in range({sizes.recursions}):\n    last = rlm_query(f"item {{number}}")\n'
    cell = code(f'{loop}answer["content"] = last\nanswer["ready"] = True')
    deep = await timed(on, model, [cell, *[submit("leaf")] * sizes.recursions])
    found.recursive = (deep - found.setup) / sizes.recursions
    return found


async def large_run(on: Stage, model: ModelProcess, size: int) -> tuple[float, float]:
    """Return the seconds of five steps over a text of this size and the peak of memory, as a multiple of the size."""

    async def open_context() -> ContextSource:
        return context_in_memory("text", chunks(size))

    with Sampler(model.pid) as sampler:
        before = sampler.now()
        context = {"context": ContextInfo("text", size), "open_context": open_context}
        seconds = await timed(on, model, [*[LOOK] * 4, submit("seen")], **context)
    return seconds, (max(sampler.samples, default=before) - before) / size


async def bare_batch(on: Stage, model: ModelProcess) -> float:
    """Time the 64 calls alone, all at once, over asyncio's streams."""
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "item"}], "stream": True}).encode()
    model.script(MODEL, *[{"text": "fine", "delay_seconds": 0.1}] * CALLS)
    started = time.perf_counter()
    await asyncio.gather(*(on.bare.post(body) for _ in range(CALLS)))
    return time.perf_counter() - started


def report(all_found: Sequence[Found], bare: float, sizes: Sizes) -> None:
    """Print each figure of all engines, RLM Lab's first, the others with their ratio to it."""
    us = all_found[0]
    for step, limit in ((EARLY, "< 4 ms"), (sizes.late, "< 4 ms, flat")):
        for found in all_found:
            shown = f"{milliseconds(found.steps[step])}{_ratio(found.steps[step], us.steps[step], found is us)}"
            against = f"a bare call of {milliseconds(found.floors[step])}"
            figure(f"step {step} beyond its call, {found.name}", shown, against=against, limit=_of(us, found, limit))
    for found in all_found:
        shown = f"{milliseconds(found.setup)}{_ratio(found.setup, us.setup, found is us)}"
        figure(f"a run of one step, {found.name}", shown)
    for found in all_found:
        shown = f"{found.batch:.3f} s, {found.batch / bare:.2f} x the bare loop"
        figure(f"64 sub-calls of 100 ms, {found.name}", shown, against=f"{bare:.3f} s", limit=_of(us, found, "1.35 x"))
    for found in all_found:
        shown = f"{found.large:.3f} s{_ratio(found.large, us.large, found is us)}, memory + {found.peak:.2f} x its size"
        figure(f"{sizes.large / 1e6:.0f} MB in five steps, {found.name}", shown)
    for found in all_found:
        if found.recursive is None:
            figure(f"an rlm sub-call, {found.name}", f"has none: {found.cannot}")
            continue
        shown = f"{milliseconds(found.recursive)}{_ratio(found.recursive, us.recursive or 0, found is us)}"
        figure(f"an rlm sub-call, {found.name}", shown, limit=_of(us, found, "< 15 ms"))


def _ratio(theirs: float, mine: float, same: bool) -> str:
    return "" if same or mine <= 0 else f", {theirs / mine:.1f} x RLM Lab's"


def _of(us: Found, found: Found, limit: str) -> str:
    return limit if found is us else ""


async def measure(model: ModelProcess, sizes: Sizes) -> None:
    """Measure one engine after the other."""
    async with stage(model.base_url) as on:
        bare = min([await bare_batch(on, model) for _ in range(3)])
        found = [await ours(on, model, sizes), *[await peer(on, model, name, sizes) for name in NAMES]]
    report(found, bare, sizes)


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("peers", quick=found.quick)
    with model_process() as model:
        asyncio.run(measure(model, QUICK if found.quick else Sizes()))


if __name__ == "__main__":
    main()
