"""Celery over RabbitMQ and over Valkey, with several workers: one of them dies, or the broker does."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.conf import settings

from rlmlab.embedded.places import Places
from rlmlab.management.doctor import servers as doctor
from tests.brokers import Broker, running
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.live import Process, wait_until, worker
from trajectories import queries, queue, readiness
from trajectories.models import Run

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

BY_MESSAGE = {"RLMLAB_SWEEP_SECONDS": "600"}
"""A worker that does not look by itself takes a run only because a message came."""


@pytest.fixture(params=["rabbitmq", "valkey"])
def broker(request: pytest.FixtureRequest, servers: Places, tmp_path: Path) -> Iterator[Broker]:
    with running(request.param, tmp_path, servers) as started:
        yield started


@pytest.fixture(autouse=True)
def sender(broker: Broker, monkeypatch: pytest.MonkeyPatch, model_server: ModelServer) -> Iterator[Celery]:
    """Send this process's messages to the broker too, as a web process with the same settings would."""
    model_server.reset()
    options = {"confirm_publish": True} if broker.url.startswith("amqp") else {}
    with Celery("sender", broker=broker.url, set_as_current=False) as app:
        app.conf.update(task_default_queue="runs", broker_transport_options=options)
        monkeypatch.setattr(queue, "current_app", app)
        monkeypatch.setattr(readiness, "current_app", app)
        monkeypatch.setattr(doctor, "current_app", app)
        yield app


def started(tenant: Tenant, count: int, model: str, **fields: Any) -> list[Run]:
    return [make_run(tenant.principal, tenant.project, model=f"openai/{model}", **fields) for _ in range(count)]


def statuses(runs: list[Run]) -> list[str]:
    return [reload(run).status for run in runs]


def wait_for(runs: list[Run], seconds: float, *workers: Process) -> None:
    def ended() -> bool:
        return all(reload(run).is_terminal for run in runs)

    wait_until(ended, seconds, "\n".join(process.text()[-3000:] for process in workers))


def calls_of(server: ModelServer, model: str) -> int:
    return sum(call.model == model for call in server.calls)


def test_message_wakes_an_idle_worker(broker: Broker, acme: Tenant) -> None:
    with worker(RLMLAB_BROKER_URL=broker.url, **BY_MESSAGE) as process:
        assert readiness.broker() == readiness.OK
        assert readiness.worker() == readiness.OK
        for _ in range(3):
            run = started(acme, 1, "submit")
            wait_for(run, 10, process)
            assert statuses(run) == ["succeeded"]
        assert "Traceback" not in process.text()
        assert process.terminate() == 0


def test_runs_of_a_killed_worker_are_finished_by_the_other(
    broker: Broker, acme: Tenant, bolt: Tenant, model_server: ModelServer
) -> None:
    environ = {"RLMLAB_BROKER_URL": broker.url, "RLMLAB_WORKER_RUNS": "8"}
    with worker(beat=True, **environ) as first, worker(**environ) as second:
        runs = [*started(acme, 12, "delay-1500"), *started(bolt, 2, "delay-1500")]
        wait_until(lambda: statuses(runs).count("running") == 14, 20, second.text())
        owners = {reload(run).lease_owner.split(":")[1] for run in runs}
        assert owners == {str(first.popen.pid), str(second.popen.pid)}
        wait_until(lambda: calls_of(model_server, "delay-1500") == 14, 20, second.text())
        second.kill()
        wait_for(runs, 60, first)
    assert statuses(runs) == ["succeeded"] * 14
    for run in runs:
        events = queries.events_page(reload(run), limit=1000)
        assert [event.seq for event in events] == list(range(1, reload(run).last_seq + 1))


def test_worker_without_a_free_place_leaves_messages_to_one_that_has_some(
    broker: Broker, acme: Tenant, model_server: ModelServer
) -> None:
    environ = {"RLMLAB_BROKER_URL": broker.url, **BY_MESSAGE}
    with worker(RLMLAB_WORKER_RUNS="1", **environ) as small:
        held = started(acme, 1, "hang")
        wait_until(lambda: calls_of(model_server, "hang") == 1, 20, small.text())
        with worker(**environ) as large:
            runs = started(acme, 20, "submit")
            wait_for(runs, 20, small, large)
            assert {reload(run).fence for run in runs} == {1}
        assert statuses(held) == ["running"]
        model_server.release()
        wait_for(held, 20, small)


def test_broker_that_dies_and_comes_back_costs_no_run(broker: Broker, acme: Tenant, model_server: ModelServer) -> None:
    with worker(RLMLAB_BROKER_URL=broker.url, **BY_MESSAGE) as process:
        running_on = started(acme, 3, "hang")
        wait_until(lambda: calls_of(model_server, "hang") == 3, 20, process.text())
        broker.kill()
        forgotten = started(acme, 1, "submit")  # its message finds no broker
        assert readiness.broker() != readiness.OK
        model_server.release()
        wait_for(running_on, 20, process)
        assert statuses(running_on) == ["succeeded"] * 3
        wait_for(forgotten, 5, process)  # the end of a run is a reason to look
        broker.start()
        wait_until(lambda: readiness.worker() == readiness.OK, 60, process.text())
        later = started(acme, 1, "submit")
        wait_for(later, 20, process)
        assert statuses([*forgotten, *later]) == ["succeeded"] * 2
        assert process.popen.poll() is None


def test_run_that_was_made_while_the_broker_was_away_starts_without_it(broker: Broker, acme: Tenant) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(worker(RLMLAB_BROKER_URL=broker.url))
        broker.kill()
        runs = started(acme, 2, "submit")
        wait_for(runs, 20, process)
    assert statuses(runs) == ["succeeded"] * 2


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_doctor_tells_of_the_broker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BROKER_IS_RABBITMQ", True)
    found = {each.name: each for each in doctor.look_at_broker()}
    assert found["RabbitMQ"].state == "ok"
    assert found["RabbitMQ"].detail.startswith("RabbitMQ 3.") or found["RabbitMQ"].detail.startswith("RabbitMQ 4.")
    broker.kill()
    assert doctor.rabbitmq().prevents_runs
    assert "guest:guest" not in doctor.rabbitmq().detail
