"""How many of the demo's tasks the embedded local model gets right, through the real engine and sandbox.

    python -m tests.benchmarks.local_model_tasks [--data-dir DIR] [--threads N] [--show] [KEY …]

Prints a line a task and, last, `N of 20` with the seconds a task took. Needs no network and no key.
"""

import argparse
import asyncio
import os
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.events import Event, Message, Output
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.providers.catalog import EMBEDDED_MODEL
from rlmlab.engine.providers.routing import RoutingProvider, build_provider
from rlmlab.engine.stream import Delta, EventStream
from rlmlab.engine.types import Budget, ContextInfo, RunOutcome, RunSpec
from rlmlab.env import Environment as Settings
from sandbox.base import ContextSource, Environment, context_in_memory
from sandbox.registry import start_environment
from trajectories.demo.source import demo_text
from trajectories.demo.tasks import TASKS, Task

STEPS = 4


@dataclass
class Kept:
    """A sink that keeps what a person reads."""

    lines: list[str] = field(default_factory=list)

    def write(self, event: Event) -> None:
        """Keep replies and output."""
        payload = event.payload
        if isinstance(payload, Message) and payload.purpose in {"reply", "observation", "nudge", "fallback"}:
            self.lines.append(f"{payload.role}: {payload.content}")
        elif isinstance(payload, Output):
            self.lines.append(f"{payload.channel}: {payload.text}")

    async def commit(self) -> None:
        """Nothing is stored."""

    def delta(self, delta: Delta) -> None:
        """Text in flight is not kept."""


async def run_task(
    task: Task, text: bytes, provider: RoutingProvider, environment: Environment, sink: Kept
) -> RunOutcome:
    """Run one task as a run of its own."""

    async def open_context() -> ContextSource:
        return context_in_memory("text", [text])

    spec = RunSpec(
        run_id=uuid.uuid4(),
        task=task.question,
        model=EMBEDDED_MODEL,
        budget=Budget(max_steps=STEPS),
        context=ContextInfo("text", len(text)),
        open_context=open_context,
    )
    clock = SystemClock()
    stream = EventStream(spec.run_id, [sink], clock)
    return await execute(spec, provider=provider, environment=environment, stream=stream, clock=clock)


async def measure(tasks: list[Task], settings: Settings, *, show: bool) -> None:
    """Run the tasks one after another and print what came of them."""
    text = demo_text()
    provider, environment = build_provider(settings, os.environ), await start_environment("auto")
    right, started = 0, time.perf_counter()
    try:
        for task in tasks:
            sink, began = Kept(), time.perf_counter()
            outcome = await run_task(task, text.encode(), provider, environment, sink)
            verdict = task.check(outcome.answer, text)
            right += verdict.passed
            seconds, sign = time.perf_counter() - began, "right" if verdict.passed else "WRONG"
            print(f"{sign} {seconds:5.1f} s {outcome.totals.steps} steps {task.key}: {verdict.got[:60]!r}", end="")
            print("" if verdict.passed else f", expected {verdict.expected!r} {outcome.error or ''}")
            if show or not verdict.passed:
                print("    " + "\n".join(sink.lines).replace("\n", "\n    "))
    finally:
        await provider.close()
        await environment.close()
    seconds = (time.perf_counter() - started) / len(tasks)
    print(f"{right} of {len(tasks)}, {seconds:.1f} s a task, text of {len(text):,} characters")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "rlmlab-benchmark")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print the conversation of right tasks as well")
    parser.add_argument("keys", nargs="*", help="only these tasks")
    found = parser.parse_args()
    tasks = [task for task in TASKS if not found.keys or task.key in found.keys]
    settings = Settings(data_dir=found.data_dir, local_model_threads=found.threads)
    asyncio.run(measure(tasks, settings, show=found.show))


if __name__ == "__main__":
    main()
