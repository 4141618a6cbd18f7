"""How many streams may be open at once, and that their places are given back."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import AsyncClient

from rlmlab.api import open_streams
from rlmlab.api.stream import TOO_MANY
from rlmlab.asgi import application
from rlmlab.errors import TooManyRequests
from rlmlab.tenancy.principals import Principal
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant

in_thread: Callable[..., Any] = sync_to_async


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "RLMLAB", settings.RLMLAB.model_copy(update={"api_open_streams": 2}))


def test_places_are_counted_for_each_by_itself_and_given_back(ada: Principal, bo: Principal) -> None:
    first, second = open_streams.take(ada), open_streams.take(ada)
    with pytest.raises(TooManyRequests, match="2 streams are open already"):
        open_streams.take(ada)
    open_streams.take(bo)
    first.leave()
    first.leave()
    with open_streams.take(ada), pytest.raises(TooManyRequests):
        open_streams.take(ada)
    del second
    gc.collect()
    assert [open_streams.take(ada) is not None, len(open_streams._open)] == [True, 0]  # none is held any more


async def answer(run: Any, key: str) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    return await AsyncClient().get(f"/api/v1/runs/{run.id}/events", headers=headers)


@pytest.mark.django_db(transaction=True)
async def test_one_stream_too_many_is_refused_until_another_ends(acme: Tenant) -> None:
    run = await in_thread(finished_run)(acme.principal, acme.project)
    held = [await answer(run, acme.key) for _ in range(2)]
    refused = await answer(run, acme.key)
    assert refused.status_code == 429
    assert "streams are open already" in refused.json()["detail"]
    socket = WebsocketCommunicator(
        application, f"/ws/runs/{run.id}/", [(b"authorization", f"Bearer {acme.key}".encode())]
    )
    assert (await socket.connect(timeout=10))[0]
    assert await socket.receive_output(timeout=10) == {"type": "websocket.close", "code": TOO_MANY}
    async with asyncio.timeout(20):
        assert b"event: end" in b"".join([part async for part in held[0].streaming_content])
    again = await answer(run, acme.key)
    assert again.status_code == 200
    held[1].close()


@pytest.mark.django_db(transaction=True)
async def test_completions_count_as_well(acme: Tenant) -> None:
    body = {"model": "rlm/demo", "messages": [{"role": "user", "content": "x"}], "stream": True}
    run = await in_thread(make_run)(acme.principal, acme.project)
    held = [await answer(run, acme.key) for _ in range(2)]
    headers = {"Authorization": f"Bearer {acme.key}"}
    refused = await AsyncClient().post("/v1/chat/completions", body, "application/json", headers=headers)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert len(held) == 2
