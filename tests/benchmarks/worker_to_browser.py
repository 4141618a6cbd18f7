"""From a worker's event to a viewer: the real sinks, a real web process, one WebSocket.

    python -m tests.benchmarks.worker_to_browser [--quick]

Committed at once: this process writes like a worker, and each event is committed as soon as it is emitted, as the end
of a model call is; from there to the moment its frame is read, by the clock of the one machine. A whole run: a real
Celery worker and a model that streams; from each event's own `at`, so that waiting for the batch of 100 ms is in it.
The floor is what no design can leave out: one committed row in the same database and one message through the same
Valkey.
"""

import asyncio
import os
import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from tests.benchmarks.installation import servers  # first: it settles where the data lies

import psycopg  # isort: skip

from tests.benchmarks.figures import figure, heading, milliseconds, options, percentile
from tests.benchmarks.stage import ModelProcess, model_process
from tests.benchmarks.watching import seconds_of, watch, write_like_a_worker
from tests.fakes.replies import code, submit

FLOOR_ROUNDS = 100
CHUNK_SECONDS = 0.01
CONNECTION = {"host", "port", "user", "password", "dbname"}


async def committed_at_once(run: Any, holder: Any, url: str, key: str, count: int) -> list[float]:
    """Return the seconds from emitting an event to reading it."""

    def pause() -> float:
        return 0.05 + random.random() * 0.05  # noqa: S311 - keeps clear of the sinks' own rhythm

    joined = asyncio.Event()
    writing = asyncio.create_task(write_like_a_worker(run, holder, count, joined, pause=pause))
    found = await watch(url, key, joined.set)
    await writing
    assert len(found) >= count
    return seconds_of(found)


def commit_seconds(parameters: dict[str, Any]) -> float:
    """Time one committed row: the median."""
    found = []
    with psycopg.connect(**parameters, autocommit=True) as connection:
        connection.execute("SELECT 1")
        for _ in range(FLOOR_ROUNDS):
            started = time.perf_counter()
            connection.execute("INSERT INTO django_session VALUES (gen_random_uuid()::text, 'floor', now())")
            found.append(time.perf_counter() - started)
    return statistics.median(found)


async def message_seconds(layer: Any) -> float:
    """Time one message through the channel layer: the median."""
    channel, found = await layer.new_channel(), []
    await layer.group_add("floor", channel)
    for _ in range(FLOOR_ROUNDS):
        started = time.perf_counter()
        await layer.group_send("floor", {"type": "floor"})
        await layer.receive(channel)
        found.append(time.perf_counter() - started)
    await layer.flush()
    return statistics.median(found)


def show(what: str, seconds: Sequence[float], floor: float, limit: str) -> None:
    """Print the half and the worst of a hundred."""
    half, most = percentile(seconds, 0.5), percentile(seconds, 0.99)
    against = f"a row and a message of {milliseconds(floor)}"
    figure(f"{what}, {len(seconds)} events, p50", f"{milliseconds(half)}, ratio {half / floor:.1f}", against=against)
    figure(f"{what}, p99", milliseconds(most), limit=limit)


def measure(model: ModelProcess, *, quick: bool) -> None:
    """Watch both runs."""
    from channels.layers import get_channel_layer
    from django.db import connection

    from tests.factories.runs import hold, make_run
    from tests.factories.tenancy import make_tenant
    from tests.live import web, worker

    tenant = make_tenant("acme", "ada@acme.example")
    settings = {name: value for name, value in connection.get_connection_params().items() if name in CONNECTION}
    floor = commit_seconds(settings) + asyncio.run(message_seconds(get_channel_layer()))
    steps = 5 if quick else 60
    reply = {"text": code("print(1)") + "\nI go on.\n" * 10, "chunk_delay_seconds": CHUNK_SECONDS}
    model.script("steady", *[reply] * (steps - 1), submit("42"))
    os.environ |= {"OPENAI_API_BASE": model.base_url, "OPENAI_API_KEY": "sk-benchmark"}
    with web() as site:
        run = make_run(tenant.principal, tenant.project)
        address = f"{site.websocket_url}/ws/runs/{{}}/?after=0"
        work = committed_at_once(run, hold(run), address.format(run.id), tenant.key, 20 if quick else 500)
        show("committed at once", asyncio.run(work), floor, "< 30 ms")
        with worker():
            run = make_run(tenant.principal, tenant.project, model="openai/steady", budget={"max_steps": steps})
            found = asyncio.run(watch(address.format(run.id), tenant.key))
        show("a whole run", seconds_of(found), floor, "< 130 ms: the batch too")


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("worker_to_browser", quick=found.quick)
    with servers(), model_process() as model:
        measure(model, quick=found.quick)


if __name__ == "__main__":
    main()
