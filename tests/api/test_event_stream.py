"""Server-sent events: where they start and resume, what they do with odd numbers, and that they end."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.test import AsyncClient

from rlmlab.asgi import application
from tests.api.conftest import ApiClient
from tests.factories.runs import finished_run, hold, make_run, record, steps
from tests.factories.tenancy import Tenant
from trajectories import hub, store
from trajectories.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
in_thread: Callable[..., Any] = sync_to_async
LAST = 12


@pytest.fixture(autouse=True)
def frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.1)


@pytest.fixture
async def run(acme: Tenant) -> Run:
    """A run of two steps that has ended: twelve events."""
    ended: Run = await in_thread(finished_run)(acme.principal, acme.project, 2)
    return ended


@pytest.fixture
async def going(acme: Tenant) -> "Going":
    made = await in_thread(make_run)(acme.principal, acme.project)
    started = Going(made)
    await in_thread(started.start)()
    return started


class Going:
    """A run with six of its twelve events."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.events = steps(run, 2)
        self.projection = store.Projection()

    def start(self) -> None:
        self.holder = hold(self.run)
        self.store(6)

    def store(self, count: int) -> None:
        batch, self.events = self.events[:count], self.events[count:]
        store.append(self.holder, store.take(self.projection, batch))


async def answer(run: Run, key: str, query: str = "", **headers: str) -> Any:
    sent = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"} | headers
    return await AsyncClient().get(f"/api/v1/runs/{run.id}/events{query}", headers=sent)


async def read(response: Any) -> str:
    async with asyncio.timeout(20):
        return b"".join([part async for part in response.streaming_content]).decode()


def ids(text: str) -> list[int]:
    """The ids of all messages that carry an event."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
    found = [block for block in blocks if "seq" in json.loads(block.get("data", "{}"))]
    assert [int(block["id"]) for block in found] == [json.loads(block["data"])["seq"] for block in found]
    return [int(block["id"]) for block in found]


@pytest.mark.parametrize("last", [0, 1, 5, 11])
async def test_resumes_behind_the_last_event_that_came(run: Run, acme: Tenant, last: int) -> None:
    response = await answer(run, acme.key, **{"Last-Event-ID": str(last)})
    assert response.headers["Content-Type"] == "text/event-stream"
    assert (response.headers["Cache-Control"], response.headers["X-Accel-Buffering"]) == ("no-cache", "no")
    text = await read(response)
    assert text.startswith(f"id: {last}\n\nevent: hello\n")
    assert ids(text) == list(range(last + 1, LAST + 1))
    assert text.endswith('event: end\ndata: {"t": "end"}\n\n')


async def test_the_browsers_number_is_newer_than_that_of_the_address(run: Run, acme: Tenant) -> None:
    text = await read(await answer(run, acme.key, "?after=2", **{"Last-Event-ID": "9"}))
    assert ids(text) == [10, 11, 12]
    assert ids(await read(await answer(run, acme.key, "?after=9"))) == [10, 11, 12]
    assert ids(await read(await answer(run, acme.key, "?cursor=9"))) == [10, 11, 12]


@pytest.mark.parametrize("last", [LAST, LAST + 1, 2**63 - 1])
async def test_who_has_everything_of_an_ended_run_is_told_not_to_come_again(run: Run, acme: Tenant, last: int) -> None:
    response = await answer(run, acme.key, **{"Last-Event-ID": str(last)})
    assert (response.status_code, response.content) == (204, b"")


async def test_a_browser_that_had_everything_at_first_comes_again_with_a_number(run: Run, acme: Tenant) -> None:
    """Without one it would come again every few seconds: 204 is for those who say what they have."""
    text = await read(await answer(run, acme.key, f"?after={LAST}"))
    assert ids(text) == []
    number = text.splitlines()[0].removeprefix("id: ")
    assert (await answer(run, acme.key, f"?after={LAST}", **{"Last-Event-ID": number})).status_code == 204


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "", "9" * 30, "1,2"])
async def test_a_malformed_number_is_named(run: Run, acme: Tenant, number: str) -> None:
    response = await answer(run, acme.key, **{"Last-Event-ID": number})
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == ["Last-Event-ID"]


@pytest.mark.parametrize("last", [7, 9999])
async def test_a_number_of_another_run_hides_nothing_of_what_comes(going: Going, acme: Tenant, last: int) -> None:
    response = await answer(going.run, acme.key, **{"Last-Event-ID": str(last)})
    reading = asyncio.create_task(read(response))
    await asyncio.sleep(0.3)
    await in_thread(going.store)(6)
    text = await reading
    assert text.startswith("id: 6\n\n")
    assert ids(text) == list(range(7, LAST + 1))


async def test_a_websockets_number_of_another_run_hides_nothing_either(going: Going, acme: Tenant) -> None:
    headers = [(b"authorization", f"Bearer {acme.key}".encode())]
    socket = WebsocketCommunicator(application, f"/ws/runs/{going.run.id}/?after=9999", headers)
    assert (await socket.connect(timeout=10))[0]
    assert (await socket.receive_json_from(timeout=10))["t"] == "hello"
    await in_thread(going.store)(6)
    frame = await socket.receive_json_from(timeout=10)
    assert (frame["t"], frame["from"], frame["to"]) == ("ev", 7, LAST)
    await socket.disconnect()


async def test_resuming_while_the_run_goes_on_loses_and_doubles_nothing(going: Going, acme: Tenant) -> None:
    seen: list[int] = []
    response = await answer(going.run, acme.key)
    async for part in response.streaming_content:
        seen += ids(part.decode()) if b"\ndata: " in part and b"event:" not in part else []
        if seen and seen[-1] >= 6:
            break
    await response.streaming_content.aclose()
    await in_thread(going.store)(3)
    reading = asyncio.create_task(read(await answer(going.run, acme.key, **{"Last-Event-ID": str(seen[-1])})))
    await asyncio.sleep(0.2)
    await in_thread(going.store)(3)
    assert seen + ids(await reading) == list(range(1, LAST + 1))


async def test_a_slow_client_is_told_and_gets_every_event(
    going: Going, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "WAITING_FRAMES", 2)
    response = await answer(going.run, acme.key)
    text = ""
    async for part in response.streaming_content:
        text += part.decode()
        if text.endswith("\n\n") and "id: 6\n" in text and going.events:  # takes nothing while these come
            for number in range(7, LAST + 1):
                await in_thread(going.store)(1)
                async with asyncio.timeout(10):
                    while hub._hubs[asyncio.get_running_loop()][going.run.id].head < number:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
    assert ids(text) == list(range(1, LAST + 1))
    assert text.count('event: resync\ndata: {"t": "resync", "reason": "slow"}') == 1


async def test_a_client_that_goes_away_leaves_no_hub_behind(going: Going, acme: Tenant) -> None:
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": f"/api/v1/runs/{going.run.id}/events",
        "query_string": b"", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
        "headers": [
            (b"host", b"testserver"), (b"accept", b"text/event-stream"),
            (b"authorization", f"Bearer {acme.key}".encode()),
        ],
    }  # fmt: skip
    client = ApplicationCommunicator(application, scope)
    await client.send_input({"type": "http.request", "body": b""})
    assert (await client.receive_output(10))["status"] == 200
    body = b""
    while b"id: 6\n" not in body:
        body += (await client.receive_output(10))["body"]
    assert len(hub._hubs[asyncio.get_running_loop()]) == 1
    await client.send_input({"type": "http.disconnect"})
    async with asyncio.timeout(10):
        while hub._hubs[asyncio.get_running_loop()]:  # noqa: ASYNC110 - what is waited for knows nothing of us
            await asyncio.sleep(0.02)
    await client.wait()
    await get_channel_layer().flush()


async def test_another_organizations_run_is_not_found(run: Run, bolt: Tenant) -> None:
    response = await answer(run, bolt.key, **{"Last-Event-ID": "3"})
    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_page_does_not_mind_a_browsers_number(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    record(run, steps(run)[:3])
    page = ApiClient(acme.key).get(f"/api/v1/runs/{run.id}/events", {"after": 1}, headers={"Last-Event-ID": "2"})
    assert [item["seq"] for item in page.json()["items"]] == [2, 3]
