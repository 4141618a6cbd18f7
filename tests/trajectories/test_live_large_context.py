"""A context of 100 MB is nothing special: stored, handed over and read without many copies of it."""

import json
from pathlib import Path

import httpx
import pytest

from tests.factories.runs import reload
from tests.factories.tenancy import Tenant
from tests.live import Process, Web, wait_until, web
from trajectories.models import Run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
MB = 1 << 20
SIZE = 100 * MB


def peak_bytes(process: Process) -> int:
    """Return the most memory the process ever had resident."""
    status = Path(f"/proc/{process.popen.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.fixture
def fresh_web(transactional_db: None) -> object:
    with web() as process:
        yield process


def test_hundred_megabytes_by_json(fresh_web: Web, live_worker: Process, acme: Tenant) -> None:
    headers = {"Authorization": f"Bearer {acme.key}"}
    runs = f"{fresh_web.url}/api/v1/projects/demo/runs"
    small = httpx.post(runs, json={"task": "x", "model": "openai/length", "context": "y"}, headers=headers, timeout=60)
    assert small.status_code == 202
    before, worker_before = peak_bytes(fresh_web.process), peak_bytes(live_worker)
    body = json.dumps({"task": "x", "model": "openai/length", "context": "a" * SIZE})
    answer = httpx.post(runs, content=body, headers=headers | {"Content-Type": "application/json"}, timeout=120)
    assert answer.status_code == 202
    assert answer.json()["context"] == {"kind": "text", "size": SIZE}
    run = Run(id=answer.json()["id"], organization=acme.organization)
    wait_until(lambda: reload(run).is_terminal, 60, live_worker.text())
    assert (reload(run).status, reload(run).answer) == ("succeeded", str(SIZE))
    assert peak_bytes(fresh_web.process) - before < 4.5 * SIZE
    assert peak_bytes(live_worker) - worker_before < 0.5 * SIZE


def test_hundred_megabytes_by_file(fresh_web: Web, acme: Tenant) -> None:
    headers = {"Authorization": f"Bearer {acme.key}"}
    files = f"{fresh_web.url}/api/v1/projects/demo/files"
    assert httpx.post(files, files={"file": ("small", b"x")}, headers=headers).status_code == 201
    before = peak_bytes(fresh_web.process)
    answer = httpx.post(files, files={"file": ("large", bytes(SIZE))}, headers=headers, timeout=120)
    assert (answer.status_code, answer.json()["size"]) == (201, SIZE)
    assert peak_bytes(fresh_web.process) - before < 1.5 * SIZE
