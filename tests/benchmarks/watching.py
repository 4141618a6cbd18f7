"""A run's two ends for benchmarks of its live view: one that writes like a worker, and one that reads like a page."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import aiohttp

P = ParamSpec("P")
T = TypeVar("T")
Seen = dict[int, tuple[float, float]]
"""When each event, by `seq`, was emitted and when it was read, in seconds since the epoch."""


async def watch(url: str, key: str, joined: Callable[[], None] = lambda: None) -> Seen:
    """Follow a run to its end; `joined` is called when the viewer is in, and what came before is not counted."""
    found: Seen = {}
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


def seconds_of(seen: Seen) -> list[float]:
    """Return how long each event took from where it was emitted to here."""
    return [read - emitted for emitted, read in seen.values()]


async def write_like_a_worker(
    run: Any, holder: Any, count: int, joined: asyncio.Event, *, pause: Callable[[], float], at_once: bool = True
) -> None:
    """Emit a run's events through a worker's own sinks once somebody has joined, with a pause after each.

    `at_once`: each is committed before the next, as the end of a model call is; else they go by the sink's own batches.
    """
    from asgiref.sync import sync_to_async

    from rlmlab.engine.clock import SystemClock
    from rlmlab.engine.events import Log, SpanFinished, SpanStarted
    from rlmlab.engine.projection import Projection
    from rlmlab.engine.stream import EventStream
    from trajectories.doorbell import Doorbell
    from trajectories.sinks import DatabaseSink
    from trajectories.writer import Writer

    async def database(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await sync_to_async(work)(*args, **kwargs)

    bell = Doorbell(run.id)
    sink = DatabaseSink(holder, Projection(), Writer(database).append, bell.rang)
    stream = EventStream(run.id, [sink, bell], SystemClock())

    async def say(payload: Any) -> None:
        stream.emit(payload, span_id="root", parent_span_id=None, depth=0)
        if at_once:
            await stream.commit()

    await say(SpanStarted(kind="run", name=run.model, path=""))
    await stream.commit()
    await joined.wait()
    for number in range(count):
        await say(Log(level="info", message=f"Event {number}"))
        await asyncio.sleep(pause())
    ended = {"finish_reason": "submitted"}
    await say(SpanFinished(kind="run", status="ok", seconds=1.0, result="42", data=ended))
    await stream.commit()
    await sink.close()
    await bell.close()
