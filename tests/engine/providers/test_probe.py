"""Trying an endpoint: what is told, and what is not."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from rlmlab.engine.providers import probe as module
from rlmlab.engine.providers.connections import Connections
from rlmlab.engine.providers.lean import Endpoint
from rlmlab.engine.providers.probe import Probe, probe
from rlmlab.modelserver.scripted.transport import HttpAnswer, HttpRequest, ThreadedServer
from tests.fakes.model_server import ModelServer
from tests.live import free_port


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    made = Connections(private=True)
    yield made
    await made.close()


async def test_models_are_counted_and_the_key_is_sent(connections: Connections):
    heard: list[HttpRequest] = []

    async def handle(request: HttpRequest, answer: HttpAnswer) -> None:
        heard.append(request)
        await answer.send(200, {"data": [{"id": "a"}, {"id": "b"}]})

    with ThreadedServer(handle) as server:
        endpoint = Endpoint(f"http://127.0.0.1:{server.port}/v1/", "sk-acme", guarded=True)
        found = await probe(endpoint, connections)
    assert (found, found.is_ok) == (Probe("ok", models=2), True)
    assert (heard[0].method, heard[0].path) == ("GET", "/v1/models")
    assert heard[0].headers["authorization"] == "Bearer sk-acme"


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, [{"id": "a"}], Probe("ok", models=1)),
        (200, {"models": []}, Probe("not_openai", status=200)),
        (200, b"<html>hello</html>", Probe("not_openai", status=200)),
        (200, 7, Probe("not_openai", status=200)),
        (401, {}, Probe("rejected", status=401)),
        (403, {}, Probe("rejected", status=403)),
        (404, {}, Probe("status", status=404)),
        (500, {}, Probe("status", status=500)),
        (302, {}, Probe("status", status=302)),
    ],
)
async def test_an_answer_is_told_by_its_status(
    connections: Connections, status: int, body: object, found: Probe, server: ModelServer
):
    async def handle(_request: HttpRequest, answer: HttpAnswer) -> None:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        await answer.send(status, payload, {"Location": f"{server.base_url}/models"})

    with ThreadedServer(handle) as answering:
        told = await probe(Endpoint(f"http://127.0.0.1:{answering.port}/v1", guarded=True), connections)
    assert told == found
    assert told.is_ok is (found.outcome == "ok")


async def test_nobody_there_is_told(connections: Connections):
    assert await probe(Endpoint(f"http://127.0.0.1:{free_port()}/v1"), connections) == Probe("unreachable")


async def test_an_address_that_is_not_allowed_is_not_asked(server: ModelServer):
    guarded = Connections()
    assert await probe(Endpoint(server.base_url, guarded=True), guarded) == Probe("refused")
    await guarded.close()


async def test_silence_is_told(connections: Connections, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SECONDS", 0.2)

    async def handle(_request: HttpRequest, answer: HttpAnswer) -> None:
        await answer.pause(None)

    with ThreadedServer(handle) as server:
        assert await probe(Endpoint(f"http://127.0.0.1:{server.port}/v1"), connections) == Probe("timeout")


async def test_an_endless_answer_is_cut(connections: Connections, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1000)

    async def handle(_request: HttpRequest, answer: HttpAnswer) -> None:
        await answer.start_stream()
        while True:
            await answer.chunk(b"x" * 400)
            await asyncio.sleep(0)

    with ThreadedServer(handle) as server:
        told = await asyncio.wait_for(probe(Endpoint(f"http://127.0.0.1:{server.port}/v1"), connections), 4)
    assert told == Probe("not_openai", status=200)


async def test_a_broken_answer_is_told(connections: Connections):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"nonsense\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await probe(Endpoint(f"http://127.0.0.1:{port}/v1"), connections) == Probe("unreachable")
