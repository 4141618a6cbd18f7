"""Whether it lives, and whether it can work."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.live import Process, live_worker, model_server, wait_until  # noqa: F401
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
def test_readyz_is_ready_with_a_worker_and_remembers_it(live_worker: Process, client: Client) -> None:  # noqa: F811
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

    monkeypatch.setattr(readiness, "current_app", Celery(broker="redis+socket:///nowhere/vk.sock"))
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


@pytest.mark.django_db
def test_schema_behind_the_code_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness.MigrationExecutor, "migration_plan", lambda *_: ["one", "two"])
    assert readiness.migrations() == "2 not applied"
