"""What travels through the channel layer: hints and text in flight, joined, over a real Valkey."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer

from rlmlab.embedded.places import Places
from rlmlab.engine.events import Event, Message, SpanFinished, SpanStarted
from rlmlab.engine.stream import Delta
from trajectories import doorbell
from trajectories.doorbell import Doorbell, group_of


@pytest.fixture
async def ear(servers: Places) -> Any:
    """A doorbell and the channel that hears it."""
    layer, run_id = get_channel_layer(), uuid4()
    channel = await layer.new_channel()
    await layer.group_add(group_of(run_id), channel)
    bell = Doorbell(run_id)

    async def hear() -> dict[str, Any]:
        async with asyncio.timeout(5):
            message: dict[str, Any] = await layer.receive(channel)
        return message

    yield bell, hear
    await bell.close()
    await layer.flush()


def span(span_id: str, seq: int, *, ends: bool = False) -> Event:
    payload: Any = SpanStarted(kind="model_call", name="m", path="1")
    if ends:
        payload = SpanFinished(kind="model_call", status="ok", seconds=1)
    return Event(seq=seq, at="2026-01-01T00:00:00Z", span_id=span_id, parent_span_id="p", depth=0, payload=payload)


async def test_rings_with_the_number_of_the_last_stored_event(ear: Any) -> None:
    bell, hear = ear
    bell.rang(7)
    assert await hear() == {"type": "run.news", "seq": 7, "deltas": [], "texts": []}


async def test_rings_at_most_once_in_a_while(ear: Any) -> None:
    bell, hear = ear
    bell.rang(1)
    assert (await hear())["seq"] == 1
    for seq in range(2, 50):
        bell.rang(seq)
    assert (await hear())["seq"] == 49


async def test_deltas_that_continue_each_other_are_joined(ear: Any) -> None:
    bell, hear = ear
    for delta in (Delta("a", 0, "one"), Delta("a", 3, " two"), Delta("b", 0, "x"), Delta("a", 0, "again")):
        bell.delta(delta)
    assert (await hear())["deltas"] == [["a", 0, "one two"], ["b", 0, "x"], ["a", 0, "again"]]


async def test_text_waits_until_its_span_is_stored(ear: Any) -> None:
    bell, hear = ear
    bell.write(span("a", 3))
    bell.delta(Delta("a", 0, "early"))
    assert (await hear())["deltas"] == []
    bell.rang(3)
    assert await hear() == {"type": "run.news", "seq": 3, "deltas": [["a", 0, "early"]], "texts": []}
    bell.write(span("a", 4, ends=True))
    assert bell._started == {}


async def test_layer_that_is_away_stops_nobody(ear: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bell, hear = ear

    async def refuse(*_: Any) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(bell, "_layer", type("Away", (), {"group_send": refuse}))
        bell.rang(1)
        await asyncio.sleep(2 * doorbell.PAUSE_SECONDS)
    bell.rang(2)
    assert (await hear())["seq"] == 2


def message(span_id: str, seq: int) -> Event:
    payload = Message(role="assistant", content="said")
    return Event(seq=seq, at="2026-01-01T00:00:00Z", span_id=span_id, parent_span_id="p", depth=0, payload=payload)


async def test_texts_go_along_whole_from_time_to_time(ear: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "REPEAT_SECONDS", 0.05)
    bell, hear = ear
    for name, seq in (("a", 1), ("b", 2), ("late", 9)):
        bell.write(span(name, seq))
        bell.delta(Delta(name, 0, f"{name} one"))
    bell.rang(2)
    heard = await hear()
    while not heard["texts"]:  # also when nothing else happens
        heard = await hear()
    assert heard["texts"] == [["a", "a one"], ["b", "b one"]]
    bell.delta(Delta("a", 5, " two"))
    bell.write(message("b", 3))
    while heard["texts"] != [["a", "a one two"]]:
        heard = await hear()
    bell.write(span("a", 4, ends=True))
    bell.write(span("late", 5, ends=True))
    bell.rang(5)
    while heard["seq"] < 5:
        heard = await hear()
    assert heard["texts"] == []


async def test_nothing_is_repeated_where_nothing_is_in_flight(ear: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "REPEAT_SECONDS", 0.01)
    bell, hear = ear
    bell.rang(1)
    assert (await hear())["texts"] == []
    await asyncio.sleep(0.1)
    bell.rang(2)
    assert (await hear())["seq"] == 2
