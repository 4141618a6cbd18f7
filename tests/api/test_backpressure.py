"""Slow clients: what is kept for them is bounded, they lose nothing, and one that takes nothing is cut off."""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from rlmlab.api import backpressure
from rlmlab.api.backpressure import HIGHEST_BYTES, drained, patient, transport_of, waiting_bytes
from rlmlab.engine.events import Message
from tests.factories.runs import finished_run, make_run, record, steps
from tests.factories.tenancy import Tenant
from tests.live import Web
from trajectories.models import Run

MEGABYTE = 1 << 20


class Transport:
    """As Twisted's, with a client that takes so many bytes at each look."""

    def __init__(self, waiting: int, takes: int) -> None:
        self._waiting, self._takes = waiting, takes
        self.dataBuffer, self.offset, self.connected, self.aborted = b"..", 1, 1, False

    @property
    def _tempDataLen(self) -> int:  # noqa: N802 - Twisted's name
        self._waiting = max(0, self._waiting - self._takes)
        return self._waiting

    def abortConnection(self) -> None:  # noqa: N802
        self.aborted = True


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backpressure, "LOOK_SECONDS", 0.001)


async def test_a_client_that_reads_is_waited_for_however_slow_it_is() -> None:
    transport = Transport(MEGABYTE, takes=10_000)
    await drained(transport, patience=0.05)
    assert waiting_bytes(transport) <= HIGHEST_BYTES
    assert not transport.aborted


async def test_a_client_that_takes_nothing_is_cut_off() -> None:
    transport = Transport(MEGABYTE, takes=0)
    async with asyncio.timeout(5):
        await drained(transport, patience=0.05)
    assert transport.aborted


async def test_a_client_that_is_gone_is_not_waited_for() -> None:
    transport = Transport(MEGABYTE, takes=0)
    transport.connected = 0
    await drained(transport, patience=5)
    assert not transport.aborted


async def test_sending_waits_for_requests_and_websockets() -> None:
    sent: list[Any] = []

    async def reply(_server: Any, _protocol: Any, message: dict[str, Any]) -> None:
        sent.append(message)

    class Holder:
        def __init__(self, **parts: Any) -> None:
            self.__dict__ |= parts

    slow = Transport(MEGABYTE, takes=100_000)
    over = Holder(channel=None)
    for protocol in (Holder(channel=Holder(transport=slow)), Holder(transport=slow), over):
        await patient(reply)(None, protocol, {"type": "x"})
    assert len(sent) == 3
    assert waiting_bytes(slow) <= HIGHEST_BYTES
    assert transport_of(over) is None


def memory_of(pid: int) -> int:
    """Return the bytes that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def following(live_web: Web, run: Run, key: str) -> socket.socket:
    """Ask for a run's events, and take none of them yet."""
    url = urlsplit(live_web.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    client.settimeout(20)
    client.connect((str(url.hostname), url.port or 80))
    request = f"GET /api/v1/runs/{run.id}/events HTTP/1.0\r\nAuthorization: Bearer {key}\r\n"
    client.sendall(f"{request}Accept: text/event-stream\r\n\r\n".encode())
    return client


def whole(client: socket.socket) -> bytes:
    received = bytearray()
    while b"event: end" not in received[-200:]:
        received += client.recv(MEGABYTE)
    return bytes(received)


@pytest.mark.django_db(transaction=True)
def test_a_client_that_stops_reading_costs_little_and_gets_every_event(live_web: Web, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    text = Message(role="assistant", content="x" * 60_000)
    events = steps(run, 800)
    record(run, [event.model_copy(update={"payload": text}) if event.type == "message" else event for event in events])
    small = finished_run(acme.principal, acme.project)
    with following(live_web, small, acme.key) as client:
        whole(client)  # what the first request of all costs
    pid = live_web.process.popen.pid
    before = memory_of(pid)
    with following(live_web, run, acme.key) as client:
        time.sleep(3)
        assert memory_of(pid) - before < 36 * MEGABYTE  # 22 measured, 74 without
        received = whole(client)
    found = [json.loads(line[6:]) for line in received.decode().splitlines() if line.startswith('data: {"seq"')]
    assert [event["seq"] for event in found] == list(range(1, len(events) + 1))
