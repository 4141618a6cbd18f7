"""The hub: one query and one encoding for all viewers of a run, whatever the doorbell does."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from rlmlab.engine.projection import Projection
from tests.factories.runs import finished_run, hold, make_run, steps
from tests.factories.tenancy import Tenant
from trajectories import hub, queries, store
from trajectories.doorbell import group_of
from trajectories.hub import Frame, Viewer
from trajectories.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
in_thread: Callable[..., Any] = sync_to_async


async def collect(run: Run, after: int = 0) -> list[Frame]:
    async with asyncio.timeout(20):
        return [frame async for frame in hub.follow(run.organization_id, run.id, after)]


def numbers(frames: list[Frame]) -> list[int]:
    return [event.seq for frame in frames for event in frame.events]


class Worker:
    """Stores the events of a run piece by piece and rings, or forgets to."""

    def __init__(self, run: Run, count: int) -> None:
        self.run = run
        self.events = steps(run, count)
        self.projection = Projection()

    async def store(self, count: int, *, rings: bool = True) -> None:
        batch = store.take(self.projection, self.events[:count])
        del self.events[:count]
        await in_thread(store.append)(self.holder, batch)
        if rings:
            await self.ring(batch.last, [])

    async def ring(self, seq: int, deltas: list[Any], texts: Sequence[Any] = ()) -> None:
        message = {"type": "run.news", "seq": seq, "deltas": deltas, "texts": list(texts)}
        await get_channel_layer().group_send(group_of(self.run.id), message)

    async def claim(self) -> None:
        self.holder = await in_thread(hold)(self.run)


@pytest.fixture
async def make_worker(acme: Tenant) -> Any:
    async def make(count: int = 2) -> Worker:
        worker = Worker(await in_thread(make_run)(acme.principal, acme.project), count)
        await worker.claim()
        return worker

    yield make
    await get_channel_layer().flush()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of us
            await asyncio.sleep(0.01)


async def test_follows_to_the_end(make_worker: Callable[..., Awaitable[Worker]]) -> None:
    worker = await make_worker()
    await worker.store(3, rings=False)
    following = asyncio.create_task(collect(worker.run))
    await until(lambda: bool(hubs()) and bool(hubs()[worker.run.id].viewers))
    while worker.events:
        await worker.store(2)
    frames = await following
    assert json.loads(frames[0].text) == {"t": "hello", "run": str(worker.run.id), "head": 3}
    assert numbers(frames) == list(range(1, 13))
    assert json.loads(frames[-1].text) == {"t": "end"}
    assert [frames[at].sse.splitlines()[0] for at in (0, 1, -1)] == ["event: hello", "id: 1", "event: end"]
    assert hubs() == {}


async def test_lost_rings_are_made_up_for_by_looking(
    make_worker: Callable[..., Awaitable[Worker]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.1)
    worker = await make_worker()
    following = asyncio.create_task(collect(worker.run))
    await until(lambda: bool(hubs()))
    await worker.store(12, rings=False)
    assert numbers(await following) == list(range(1, 13))


async def test_all_viewers_share_one_query_and_one_encoding(
    make_worker: Callable[..., Awaitable[Worker]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = queries.events_after

    def counted(*args: Any, after: int, limit: int) -> Any:
        asked.append(after)
        return real(*args, after=after, limit=limit)

    worker = await make_worker()
    following = [asyncio.create_task(collect(worker.run)) for _ in range(20)]
    await until(lambda: bool(hubs()) and len(hubs()[worker.run.id].viewers) == 20)
    monkeypatch.setattr(queries, "events_after", counted)
    await worker.store(12)
    results = await asyncio.gather(*following)
    assert all(numbers(frames) == list(range(1, 13)) for frames in results)
    assert asked == [0]
    assert len({id(frame) for frames in results for frame in frames if frame.events}) == 1


async def test_text_in_flight_follows_the_events_that_it_belongs_to(
    make_worker: Callable[..., Awaitable[Worker]],
) -> None:
    worker = await make_worker()
    following = asyncio.create_task(collect(worker.run))
    await until(lambda: bool(hubs()) and bool(hubs()[worker.run.id].viewers))
    await worker.store(3, rings=False)
    await worker.ring(3, [["abc", 0, "Tu"], ["abc", 2, "rn"]])
    await asyncio.sleep(0.2)
    await worker.store(9)
    kinds = [(frame.events[-1].seq if frame.events else json.loads(frame.text)) for frame in await following]
    assert kinds[1:4] == [
        3,
        {"t": "delta", "span_id": "abc", "offset": 0, "text": "Tu"},
        {"t": "delta", "span_id": "abc", "offset": 2, "text": "rn"},
    ]


def texts_of(frames: list[Frame]) -> list[tuple[int, str]]:
    found = [json.loads(frame.text) for frame in frames if not frame.events]
    return [(frame["offset"], frame["text"]) for frame in found if frame["t"] == "delta"]


async def test_who_comes_in_the_midst_of_a_call_gets_its_text_at_once(
    make_worker: Callable[..., Awaitable[Worker]],
) -> None:
    worker = await make_worker()
    first = asyncio.create_task(collect(worker.run))
    await until(lambda: bool(hubs()) and bool(hubs()[worker.run.id].viewers))
    await worker.store(3, rings=False)
    call = worker.events[0].span_id
    await worker.ring(3, [[call, 0, "Tu"], [call, 2, "rn"]])
    await until(lambda: bool(hubs()[worker.run.id].in_flight()))
    second = asyncio.create_task(collect(worker.run))
    await until(lambda: len(hubs()[worker.run.id].viewers) == 2)
    await worker.ring(3, [[call, 4, " 1"]], [[call, "Turn 1"]])
    await until(lambda: hubs()[worker.run.id].in_flight()[0].text.endswith('"Turn 1"}'))
    await worker.store(1)
    await until(lambda: hubs()[worker.run.id].in_flight() == [])
    third = asyncio.create_task(collect(worker.run))
    await until(lambda: len(hubs()[worker.run.id].viewers) == 3)
    await worker.store(8)
    assert texts_of(await first) == [(0, "Tu"), (2, "rn"), (4, " 1")]
    assert texts_of(await second) == [(0, "Turn"), (4, " 1")]
    assert texts_of(await third) == []
    frames = await second
    assert [frame.events[-1].seq if frame.events else None for frame in frames][:4] == [None, 3, None, None]


async def test_a_hub_that_came_late_gets_the_whole_text_once(make_worker: Callable[..., Awaitable[Worker]]) -> None:
    worker = await make_worker()
    await worker.store(3, rings=False)
    call = worker.events[0].span_id
    following = asyncio.create_task(collect(worker.run))
    await until(lambda: bool(hubs()) and bool(hubs()[worker.run.id].viewers))
    await asyncio.sleep(0.2)
    await worker.ring(3, [[call, 4, " 1"]])
    await worker.ring(3, [], [[call, "Turn 1"]])
    await worker.ring(3, [], [[call, "Turn 1"]])
    await asyncio.sleep(0.2)
    await worker.store(9)
    assert texts_of(await following) == [(4, " 1"), (0, "Turn 1")]


async def test_slow_viewer_is_told_and_loses_no_event(
    make_worker: Callable[..., Awaitable[Worker]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "WAITING_FRAMES", 3)
    worker = await make_worker(10)
    await worker.store(2, rings=False)
    frames: list[Frame] = []
    async for frame in hub.follow(worker.run.organization_id, worker.run.id, 0):
        frames.append(frame)
        while len(frames) == 2 and worker.events:  # reads nothing meanwhile
            await worker.store(2)
            await asyncio.sleep(0.1)
    assert numbers(frames) == list(range(1, 53))
    assert [json.loads(frame.text) for frame in frames].count({"t": "resync", "reason": "slow"}) == 1


async def test_long_history_comes_in_pages(acme: Tenant) -> None:
    run = await in_thread(finished_run)(acme.principal, acme.project, 100)
    frames = await collect(run)
    assert [len(frame.events) for frame in frames] == [0, 200, 200, 102, 0]
    assert numbers(frames) == list(range(1, 503))
    assert numbers(await collect(run, 450)) == list(range(451, 503))
    assert numbers(await collect(run, 9999)) == []


async def test_run_that_is_not_there_ends_at_once(acme: Tenant) -> None:
    run = Run(id=acme.project.id, organization=acme.organization)
    assert [json.loads(frame.text)["t"] for frame in await collect(run)] == ["hello", "end"]


async def test_viewer_hears_a_ping_when_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PING_SECONDS", 0.01)
    frame = await Viewer().take()
    assert (json.loads(frame.text), frame.sse) == ({"t": "ping"}, ": ping\n\n")


def hubs() -> dict[Any, hub.Hub]:
    return hub._hubs.get(asyncio.get_running_loop(), {})
