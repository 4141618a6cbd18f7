"""Follows a run for all its viewers in this process: one query for each piece of news, one encoding for everybody.

The table is the stream. A viewer first reads what it lacks by itself, then gets the hub's frames; where a frame does
not continue what it has, it reads again. So nothing is lost and nothing comes twice, whatever the doorbell does.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError

from trajectories import queries, wire
from trajectories.doorbell import CHANNEL_ERRORS, ENDS_TEXT, group_of
from trajectories.in_flight import TextsInFlight
from trajectories.stopping import stop
from trajectories.wire import StoredEvent

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

PAGE: Final = 200
WAITING_FRAMES: Final = 256
POLL_SECONDS: Final = 3.0
PING_SECONDS: Final = 15.0
_pool = ThreadPoolExecutor(4, "hub")


async def in_pool(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Query on one of a few threads with lasting connections: not one a request, nor one for all."""
    query: Callable[P, Awaitable[T]] = database_sync_to_async(work, thread_sensitive=False, executor=_pool)
    return await query(*args, **kwargs)


@dataclass(frozen=True)
class Frame:
    """What viewers get: text as the WebSocket sends it, and the events in it; if it has none, of what kind it is."""

    text: str
    events: Sequence[StoredEvent] = ()
    kind: str = "delta"

    @cached_property
    def sse(self) -> str:
        """The same as server-sent events; each event's number is its id."""
        if self.events:
            return "".join(f"id: {event.seq}\ndata: {event.encode()}\n\n" for event in self.events)
        if self is PING:
            return ": ping\n\n"
        return f"event: {self.kind}\ndata: {self.text}\n\n"


PING: Final = Frame(wire.PING)
END: Final = Frame(wire.END, kind="end")
RESYNC: Final = Frame(wire.resync("slow"), kind="resync")


class Viewer:
    """A viewer's waiting frames; one that reads too slowly loses them all and is told to resynchronise."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._news = asyncio.Event()
        self.lagging = False

    def offer(self, frame: Frame) -> None:
        """Queue a frame."""
        if len(self._frames) >= WAITING_FRAMES:
            self._frames.clear()
            self.lagging = True
        self._frames.append(frame)
        self._news.set()

    async def take(self) -> Frame:
        """Wait for the next frame; a ping when nothing comes for a while."""
        while not self._frames:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), PING_SECONDS)
            except TimeoutError:
                return PING
        return self._frames.popleft()


class Hub:
    """One run's news in this process, from the first viewer to the last."""

    def __init__(self, organization_id: UUID, run_id: UUID) -> None:
        self.organization_id = organization_id
        self.run_id = run_id
        self.head = 0
        self.ended = False
        self.viewers: set[Viewer] = set()
        self.users = 0
        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self._told = 0
        self._deltas: list[Any] = []
        self._wholes: list[Any] = []
        self._texts = TextsInFlight()
        self._rung = asyncio.Event()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._work())]

    async def close(self) -> None:
        """Stop listening."""
        await stop(*self._tasks)

    async def _listen(self) -> None:
        """Take the doorbell's messages; where the channel layer is away, polling goes on alone."""
        layer = get_channel_layer()
        while True:
            try:
                await self._receive(layer)
            except CHANNEL_ERRORS:
                logger.warning("the channel layer cannot be reached; polling", exc_info=True)
                await asyncio.sleep(POLL_SECONDS)

    async def _receive(self, layer: Any) -> None:
        channel = await layer.new_channel()
        try:
            await layer.group_add(group_of(self.run_id), channel)
            self._rung.set()  # what was missed meanwhile
            while True:
                self._on_message(await layer.receive(channel))
        finally:
            await layer.group_discard(group_of(self.run_id), channel)

    def _on_message(self, message: dict[str, Any]) -> None:
        self._told = max(self._told, message["seq"])
        self._deltas += message["deltas"]
        self._wholes += message["texts"]
        self._rung.set()

    async def _work(self) -> None:
        self.head, self.ended = await self._insist(queries.head_of, self.organization_id, self.run_id)
        self.ready.set()
        while not self.ended:
            try:
                await asyncio.wait_for(self._rung.wait(), POLL_SECONDS)
                polled = False
            except TimeoutError:
                polled = True
            self._rung.clear()
            if polled or self._told > self.head or not self._told:
                await self._read()
            self._show_deltas()
            await asyncio.sleep(self._pause())
        self.over.set()

    async def _read(self) -> None:
        while True:
            rows = await self._insist(
                queries.events_after, self.organization_id, self.run_id, after=self.head, limit=PAGE
            )
            if not rows:
                return
            self.head = rows[-1].seq
            self.ended = ends(rows[-1])
            for row in rows:
                if row.type in ENDS_TEXT:
                    self._texts.drop(row.span_id)
            self._show(Frame(wire.events(rows), rows))
            if len(rows) < PAGE:
                return

    async def _insist(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Query until the database answers."""
        while True:
            try:
                return await in_pool(work, *args, **kwargs)
            except DatabaseError:
                logger.warning("the database cannot be reached; trying again", exc_info=True)
                await asyncio.sleep(POLL_SECONDS)

    def in_flight(self) -> list[Frame]:
        """Return the texts in flight up to what the viewers were shown, for one who comes now."""
        return [Frame(wire.delta(*text)) for text in self._texts]

    def _show_deltas(self) -> None:
        deltas, self._deltas = self._deltas, []
        wholes, self._wholes = self._wholes, []
        for span_id, offset, text in deltas:
            self._show_delta(span_id, offset, text)
        for span_id, text in wholes:
            if self._texts.lacks(span_id, text):  # this hub came when the call was on its way
                self._show_delta(span_id, 0, text)

    def _show_delta(self, span_id: str, offset: int, text: str) -> None:
        self._texts.add(span_id, offset, text)
        self._show(Frame(wire.delta(span_id, offset, text)))

    def _show(self, frame: Frame) -> None:
        for viewer in self.viewers:
            viewer.offer(frame)

    def _pause(self) -> float:
        """Rest after a frame: frames are what viewers cost, so the more there are, the fuller each is."""
        return min(0.2, 0.025 + 0.002 * len(self.viewers))


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[UUID, Hub]] = WeakKeyDictionary()


@asynccontextmanager
async def joined(organization_id: UUID, run_id: UUID) -> AsyncIterator[Hub]:
    """Use the run's hub in this process; the last user closes it."""
    hubs = _hubs.setdefault(asyncio.get_running_loop(), {})
    hub = hubs.get(run_id)
    if hub is None:
        hub = hubs[run_id] = Hub(organization_id, run_id)
    hub.users += 1
    try:
        await hub.ready.wait()
        yield hub
    finally:
        hub.users -= 1
        if not hub.users:
            del hubs[run_id]
            await hub.close()


async def finished(organization_id: UUID, run_id: UUID) -> None:
    """Return when a run has ended; nothing of it is kept for who only waits."""
    async with joined(organization_id, run_id) as hub:
        await hub.over.wait()


async def follow(organization_id: UUID, run_id: UUID, after: int) -> AsyncGenerator[Frame, None]:
    """Yield a greeting, the events behind `after`, then what comes, and at last the end.

    Close it where it is left early (`contextlib.aclosing`), so that the hub of a run ends with its last viewer.
    """
    async with joined(organization_id, run_id) as hub:
        viewer = Viewer()
        hub.viewers.add(viewer)
        try:
            async for frame in _frames(hub, viewer, after):
                yield frame
        finally:
            hub.viewers.discard(viewer)


async def _frames(hub: Hub, viewer: Viewer, sent: int) -> AsyncIterator[Frame]:
    async for frame in _opening(hub, sent):
        sent = frame.events[-1].seq if frame.events else sent
        yield frame
    while not (hub.ended and sent >= hub.head):
        if viewer.lagging:
            viewer.lagging = False
            yield RESYNC
        frame = await viewer.take()
        if not frame.events:
            yield frame
            continue
        if frame.events[-1].seq <= sent:
            continue
        if frame.events[0].seq == sent + 1:
            sent = frame.events[-1].seq
            yield frame
            continue
        async for page in _missed(hub, sent, frame.events[-1].seq):
            sent = page.events[-1].seq
            yield page
    yield END


async def _opening(hub: Hub, sent: int) -> AsyncIterator[Frame]:
    """Yield a greeting, the events that a viewer lacks, and the texts in flight."""
    head, texts = hub.head, hub.in_flight()  # of one moment: what comes later waits for the viewer
    yield Frame(wire.hello(str(hub.run_id), head), kind="hello")
    async for frame in _missed(hub, sent, head):
        yield frame
    for frame in texts:
        yield frame


async def _missed(hub: Hub, sent: int, head: int) -> AsyncIterator[Frame]:
    """Read what lies between a viewer and the hub, page by page."""
    while sent < head:
        limit = min(PAGE, head - sent)
        rows = await in_pool(queries.events_after, hub.organization_id, hub.run_id, after=sent, limit=limit)
        if not rows:
            return
        sent = rows[-1].seq
        yield Frame(wire.events(rows), rows)


def ends(event: StoredEvent) -> bool:
    """Tell whether an event is a stream's last: the end of its root span."""
    return event.type == "span_finished" and not event.parent_span_id
