"""Watching runs through a real web process: WebSocket and server-sent events, over kills and reconnects."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import pytest
from asgiref.sync import sync_to_async

from tests.factories.runs import finished_run, hold, make_run, record, reload, steps
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import always
from tests.live import Process, Web
from trajectories import store
from trajectories.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
Frames = list[dict[str, Any]]
in_thread: Callable[..., Any] = sync_to_async


@asynccontextmanager
async def websocket(
    web: Web, run: Run, key: str, after: int = 0, **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    sent = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{web.websocket_url}/ws/runs/{run.id}/?after={after}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=sent | headers) as socket:
        yield socket


async def frames_of(socket: aiohttp.ClientWebSocketResponse, until: Callable[[Frames], bool]) -> Frames:
    frames: Frames = []
    async with asyncio.timeout(20):
        while not until(frames):
            message = await socket.receive()
            if message.type != aiohttp.WSMsgType.TEXT:
                break
            frames.append(json.loads(message.data))
    return frames


def ended(frames: Frames) -> bool:
    return bool(frames) and frames[-1]["t"] == "end"


def sequence(frames: Frames) -> list[int]:
    return [event["seq"] for frame in frames if frame["t"] == "ev" for event in frame["e"]]


async def test_a_finished_run_is_sent_whole_and_ends(live_web: Web, acme: Tenant) -> None:
    run = await in_thread(finished_run)(acme.principal, acme.project, 50)
    async with websocket(live_web, run, acme.key) as socket:
        frames = await frames_of(socket, ended)
        assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSE
    assert frames[0] == {"t": "hello", "run": str(run.id), "head": 252}
    assert sequence(frames) == list(range(1, 253))
    first = frames[1]
    assert (first["from"], first["to"]) == (1, len(first["e"]))
    assert set(first["e"][0]) == {"seq", "at", "span_id", "parent_span_id", "depth", "type", "payload"}
    assert first["e"][0]["type"] == "span_started"
    assert first["e"][0]["parent_span_id"] is None
    assert "type" not in first["e"][0]["payload"]


@pytest.mark.parametrize("after", [0, 1, 5, 11, 12])
async def test_a_viewer_gets_exactly_what_it_lacks(live_web: Web, acme: Tenant, after: int) -> None:
    run = await in_thread(finished_run)(acme.principal, acme.project, 2)
    async with websocket(live_web, run, acme.key, after) as socket:
        assert sequence(await frames_of(socket, ended)) == list(range(after + 1, 13))


async def test_viewers_see_events_as_they_are_stored(live_web: Web, acme: Tenant) -> None:
    run = await in_thread(make_run)(acme.principal, acme.project)
    events = steps(run, 3)
    holder = await in_thread(hold)(run)
    projection = store.Projection()
    async with websocket(live_web, run, acme.key) as one, websocket(live_web, run, acme.key) as two:
        watching = [asyncio.create_task(frames_of(socket, ended)) for socket in (one, two)]
        for start in range(0, len(events), 4):
            await in_thread(store.append)(holder, store.take(projection, events[start : start + 4]))
            await asyncio.sleep(0.05)
        for frames in await asyncio.gather(*watching):
            assert sequence(frames) == list(range(1, len(events) + 1))


async def test_reconnecting_in_the_middle_loses_and_doubles_nothing(
    live_web: Web, live_worker: Process, acme: Tenant, model_server: ModelServer
) -> None:
    model_server.behave("halfway", always(hold_after_chunks=3))
    run = await in_thread(make_run)(acme.principal, acme.project, model="openai/halfway")
    async with websocket(live_web, run, acme.key) as socket:
        before = await frames_of(socket, lambda frames: any(frame["t"] == "delta" for frame in frames))
    seen = sequence(before)
    async with websocket(live_web, run, acme.key, seen[-1]) as socket:
        model_server.release()
        after = await frames_of(socket, ended)
    last = (await in_thread(reload)(run)).last_seq
    assert seen + sequence(after) == list(range(1, last + 1))
    deltas = "".join(frame["text"] for frame in before if frame["t"] == "delta")
    assert deltas.startswith("```repl")


async def test_text_in_flight_has_offsets(
    live_web: Web, live_worker: Process, acme: Tenant, model_server: ModelServer
) -> None:
    run = await in_thread(make_run)(acme.principal, acme.project, model="openai/slow-40")
    async with websocket(live_web, run, acme.key) as socket:
        frames = await frames_of(socket, ended)
    deltas = [frame for frame in frames if frame["t"] == "delta"]
    message = next(
        event for frame in frames if frame["t"] == "ev" for event in frame["e"]
        if event["type"] == "message" and event["payload"]["role"] == "assistant"
    )  # fmt: skip
    text = ""
    for delta in deltas:
        assert delta["offset"] == len(text)
        assert delta["span_id"] == message["span_id"]
        text += delta["text"]
    assert text == message["payload"]["content"]


@pytest.mark.parametrize(("who", "code"), [("nobody", 4401), ("wrong key", 4401), ("bo", 4404), ("foreign page", 4401)])
async def test_who_may_not_see_is_told_by_the_close_code(
    live_web: Web, acme: Tenant, bolt: Tenant, who: str, code: int
) -> None:
    run = await in_thread(make_run)(acme.principal, acme.project)
    key = {"wrong key": "rlm_aaaaaaaa_" + "b" * 43, "bo": bolt.key}.get(who, "")
    headers = await in_thread(session_headers)(acme, "https://evil.example") if who == "foreign page" else {}
    async with websocket(live_web, run, key, **headers) as socket:
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, code)


async def test_a_session_may_watch_from_our_own_page(live_web: Web, acme: Tenant) -> None:
    run = await in_thread(finished_run)(acme.principal, acme.project)
    headers = await in_thread(session_headers)(acme, live_web.url)
    async with websocket(live_web, run, "", **headers) as socket:
        assert sequence(await frames_of(socket, ended)) == list(range(1, 8))


def session_headers(tenant: Tenant, origin: str) -> dict[str, str]:
    """Sign in without the form."""
    from django.test import Client

    client = Client()
    client.force_login(tenant.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}", "Origin": origin}


async def test_an_odd_after_is_refused(live_web: Web, acme: Tenant) -> None:
    run = await in_thread(make_run)(acme.principal, acme.project)
    url = f"{live_web.websocket_url}/ws/runs/{run.id}/?after=-1"
    headers = {"Authorization": f"Bearer {acme.key}"}
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        assert (await socket.receive()).data == 4400


async def sse(web: Web, run: Run, key: str, **headers: str) -> tuple[int, list[tuple[str, str]]]:
    """Read server-sent events to their end; return the status and (id, data or event) pairs."""
    sent = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"} | headers
    found = []
    async with httpx.AsyncClient(timeout=20) as client:
        url = f"{web.url}/api/v1/runs/{run.id}/events"
        async with client.stream("GET", url, headers=sent) as answer:
            number = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    number = value
                elif name == "data":
                    found.append((number, value))
    return answer.status_code, found


async def test_sse_sends_all_events_with_ids_and_ends(live_web: Web, acme: Tenant) -> None:
    run = await in_thread(finished_run)(acme.principal, acme.project, 2)
    status, found = await sse(live_web, run, acme.key)
    assert status == 200
    events = [(int(number), json.loads(data)) for number, data in found if json.loads(data).get("seq")]
    assert [(number, event["seq"]) for number, event in events] == [(n, n) for n in range(1, 13)]
    assert json.loads(found[-1][1]) == {"t": "end"}


async def test_sse_resumes_by_last_event_id_while_the_run_goes_on(live_web: Web, acme: Tenant) -> None:
    run = await in_thread(make_run)(acme.principal, acme.project)
    events = steps(run, 2)
    holder = await in_thread(record)(run, events[:6])
    following = asyncio.create_task(sse(live_web, run, acme.key, **{"Last-Event-ID": "4"}))
    await asyncio.sleep(0.5)
    projection = store.Projection()
    store.take(projection, events[:6])
    await in_thread(store.append)(holder, store.take(projection, events[6:]))
    _, found = await following
    assert [json.loads(data)["seq"] for _, data in found if "seq" in json.loads(data)] == list(range(5, 13))


async def test_sse_tells_a_browser_that_has_everything_not_to_come_again(live_web: Web, acme: Tenant) -> None:
    run = await in_thread(finished_run)(acme.principal, acme.project)
    status, found = await sse(live_web, run, acme.key, **{"Last-Event-ID": "7"})
    assert (status, found) == (204, [])
