"""From a worker's event to a viewer: the real sinks, a real web process, one WebSocket.

    python -m tests.benchmarks.worker_to_browser [--quick]

Committed at once: this process writes like a worker, and each event is committed as soon as it is emitted, as the end
of a model call is; from there to the moment its frame is read, by the clock of the one machine. A whole run: a real
Celery worker and a model that streams; from each event's own `at`, so that waiting for the batch of 100 ms is in it.
The floor is what no design can leave out: one committed row in the same database and one message through the same
Valkey.
"""

import asyncio
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from tests.benchmarks.installation import servers  # first: it settles where the data lies

import aiohttp  # isort: skip
import psycopg  # isort: skip

from tests.benchmarks.figures import figure, heading, milliseconds, options, percentile
from tests.benchmarks.stage import ModelProcess, model_process
from tests.fakes.replies import code, submit

P = ParamSpec("P")
T = TypeVar("T")

FLOOR_ROUNDS = 100
CHUNK_SECONDS = 0.01
CONNECTION = {"host", "port", "user", "password", "dbname"}


async def watch(url: str, key: str, joined: Callable[[], None] = lambda: None) -> dict[int, tuple[float, float]]:
    """Follow a run to its end; return by `seq` when an event was emitted and when it was read here."""
    found: dict[int, tuple[float, float]] = {}
    head = 0
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        async for message in socket:
            now, frame = time.time(), json.loads(message.data)
            if frame["t"] == "hello":
                head = frame["head"]
                joined()
            for event in frame.get("e", ()):
                if event["seq"] > head:
                    found[event["seq"]] = (datetime.fromisoformat(event["at"]).timestamp(), now)
            if frame["t"] == "end":
                break
    return found


async def write_like_a_worker(run: Any, holder: Any, count: int, joined: asyncio.Event) -> None:
    """Emit a run's events through a worker's own sinks and commit each at once, up to 20 a second."""
    from asgiref.sync import sync_to_async

    from rlmlab.engine.clock import SystemClock
    from rlmlab.engine.events import Log, SpanFinished, SpanStarted
    from rlmlab.engine.projection import Projection
    from rlmlab.engine.stream import EventStream
    from trajectories.doorbell import Doorbell
    from trajectories.sinks import DatabaseSink

    async def database(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await sync_to_async(work)(*args, **kwargs)

    bell = Doorbell(run.id)
    sink = DatabaseSink(holder, Projection(), database, bell.rang)
    stream = EventStream(run.id, [sink, bell], SystemClock())

    async def say(payload: Any) -> None:
        stream.emit(payload, span_id="root", parent_span_id=None, depth=0)
        await stream.commit()

    await say(SpanStarted(kind="run", name=run.model, path=""))
    await joined.wait()
    for number in range(count):
        await say(Log(level="info", message=f"Event {number}"))
        await asyncio.sleep(0.05 + random.random() * 0.05)  # noqa: S311 - keeps clear of the sinks' own rhythm
    ended = {"finish_reason": "submitted"}
    await say(SpanFinished(kind="run", status="ok", seconds=1.0, result="42", data=ended))
    await sink.close()
    await bell.close()


async def committed_at_once(run: Any, holder: Any, url: str, key: str, count: int) -> list[float]:
    """Return the seconds from emitting an event to reading it."""
    joined = asyncio.Event()
    writing = asyncio.create_task(write_like_a_worker(run, holder, count, joined))
    found = await watch(url, key, joined.set)
    await writing
    assert len(found) >= count
    return [read - emitted for emitted, read in found.values()]


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
        show("a whole run", [read - emitted for emitted, read in found.values()], floor, "< 130 ms: the batch too")


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("worker_to_browser", quick=found.quick)
    with servers(), model_process() as model:
        measure(model, quick=found.quick)


if __name__ == "__main__":
    main()
