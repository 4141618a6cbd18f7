"""Whether it lives, and whether it can work."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest
from django.db import OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from rlmlab.embedded import postgres, valkey
from rlmlab.embedded.places import places
from rlmlab.embedded.supervisor import Supervisor
from tests.environment import DATA_DIR
from tests.live import Process, wait_until, web
from trajectories import readiness


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(readiness, "_remembered", readiness._Remembered())
    return


def test_healthz_answers(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_readyz_says_what_is_missing(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "migrations": "ok",
        "broker": "ok",
        "worker": "none answers",
    }


@pytest.mark.django_db(transaction=True)
def test_readyz_is_ready_with_a_worker_and_remembers_it(live_worker: Process, client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    live_worker.kill()
    assert client.get("/readyz").status_code == 200
    wait_until(lambda: client.get("/readyz").status_code == 503, 10)


def test_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def cursor(self) -> None:
            raise OperationalError("gone")

    monkeypatch.setattr(readiness, "connection", Away())
    assert readiness.database() == "cannot be reached: OperationalError"
    monkeypatch.setattr(readiness, "PING_SECONDS", 0.1)
    from celery import Celery

    monkeypatch.setattr(
        readiness, "current_app", Celery(broker="redis+socket:///nowhere/vk.sock", set_as_current=False)
    )
    assert readiness.broker().startswith("cannot be reached")
    assert readiness.worker() == "cannot be asked"


@pytest.mark.parametrize("error", [RedisConnectionError("refused"), OSError("gone")])
def test_a_broker_that_goes_away_between_two_commands_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Gone:
        control = property(lambda self: self)

        def connection_for_write(self) -> None:
            raise error

        def inspect(self, **_: object) -> None:
            raise error

    monkeypatch.setattr(readiness, "current_app", Gone())
    assert readiness.broker().startswith("cannot be reached")
    assert readiness.worker() == "cannot be asked"


class Frozen:
    """A check that hangs until it is thawed, and counts how often it is made."""

    def __init__(self) -> None:
        self.thawed = Event()
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        self.thawed.wait(20)
        return "ok"


def test_a_check_that_hangs_is_given_up_and_not_made_again_meanwhile(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    frozen = Frozen()
    monkeypatch.setattr(readiness, "CHECKS", {"database": frozen, "broker": lambda: "ok"})
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(readiness, "_remembered", readiness._Remembered())
    started = time.monotonic()
    answers = [client.get("/readyz") for _ in range(3)]
    assert 0.3 <= time.monotonic() - started < 2
    assert {answer.status_code for answer in answers} == {503}
    assert answers[2].json()["checks"] == {"database": "no answer", "broker": "ok"}
    assert frozen.made == 1
    frozen.thawed.set()
    wait_until(readiness._remembered._inquiries["database"]._answer.done, 5)
    wait_until(lambda: client.get("/readyz").status_code == 200, 5)
    assert frozen.made == 2  # the answer that came late is not taken for one of now


def test_a_check_that_fails_of_itself_is_told_and_logged(
    monkeypatch: pytest.MonkeyPatch, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise ValueError("what nobody expected")

    monkeypatch.setattr(readiness, "CHECKS", {"broker": broken})
    monkeypatch.setattr(readiness, "_remembered", readiness._Remembered())
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"broker": "failed; the log says why"})
    assert "what nobody expected" in caplog.text


@pytest.fixture(scope="module")
def own_servers() -> Iterator[dict[str, int]]:
    """A private PostgreSQL and Valkey; their process ids by name."""
    folder = DATA_DIR / "own"
    folder.mkdir(mode=0o711)
    (folder / "static").mkdir()
    where = places(folder)
    supervisor = Supervisor(print)
    try:
        supervisor.start(postgres.prepare(where), lambda: postgres.is_ready(where))
        postgres.provision(where)
        supervisor.start(valkey.prepare(where), lambda: valkey.is_ready(where))
        yield {each.child.name: each.child.process.pid for each in supervisor.children if each.child.process}
    finally:
        supervisor.stop()


def family(pid: int) -> list[int]:
    """A process and its children: PostgreSQL's are of sessions of their own."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    pids = family(pid)
    for each in pids:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in pids:
            os.kill(each, signal.SIGCONT)


def test_frozen_servers_are_told_within_three_seconds(own_servers: dict[str, int]) -> None:
    def look() -> tuple[float, int, dict[str, str]]:
        started = time.monotonic()
        answer = httpx.get(f"{process.url}/readyz", timeout=20)
        return time.monotonic() - started, answer.status_code, answer.json()["checks"]

    with web(RLMLAB_DATA_DIR=str(DATA_DIR / "own")) as process:
        _, status, checks = look()
        assert (status, checks["database"], checks["broker"]) == (503, "ok", "ok")  # not migrated, and no worker
        for server, named in (("postgres", {"database", "migrations"}), ("valkey", {"broker", "worker"})):
            with frozen(own_servers[server]):
                for _ in range(2):
                    seconds, status, checks = look()
                    assert (status, seconds < 3.5) == (503, True), checks
                    assert {name for name, found in checks.items() if found == "no answer"} == named
            wait_until(lambda: look()[2]["database"] == look()[2]["broker"] == "ok", 10)


@pytest.mark.django_db
def test_schema_behind_the_code_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness.MigrationExecutor, "migration_plan", lambda *_: ["one", "two"])
    assert readiness.migrations() == "2 not applied"
