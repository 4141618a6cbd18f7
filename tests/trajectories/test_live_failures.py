"""Workers that die or stop, messages that get lost, providers and environments that refuse."""

import signal

import pytest
from django.core.management import call_command

from rlmlab import scoping
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.live import Process, wait_until, worker
from trajectories import leases, queries, rebuild
from trajectories.actions.runs import cancel_run
from trajectories.models import Run, Span

pytestmark = pytest.mark.django_db(transaction=True)


def ended(run: Run) -> bool:
    return reload(run).is_terminal


def calls_of(server: ModelServer, model: str) -> int:
    return sum(call.model == model for call in server.calls)


@pytest.fixture(autouse=True)
def fresh_model_server(model_server: ModelServer) -> None:
    model_server.reset()


def let_go(server: ModelServer, process: Process, calls: int) -> None:
    """Answer the call that hangs, once it was made for the `calls`-th time."""
    wait_until(lambda: calls_of(server, "hang") == calls, 20, process.text())
    server.release()


def test_run_of_a_killed_worker_is_finished_by_another(
    live_worker: Process, acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    wait_until(lambda: calls_of(model_server, "hang") == 1 and reload(run).last_seq > 2, 20, live_worker.text())
    live_worker.kill()
    assert reload(run).status == "running"
    with worker(beat=True) as second:
        let_go(model_server, second, 2)
        wait_until(lambda: ended(run), 20, second.text())
    run = reload(run)
    assert (run.status, run.finish_reason, run.answer, run.takeovers) == ("succeeded", "submitted", "42", 1)
    events = queries.events_page(run, limit=1000)
    assert [event.seq for event in events] == list(range(1, run.last_seq + 1))
    with scoping.organization(acme.organization):
        spans = Span.objects.for_org(acme.organization).filter(run=run).order_by("first_seq")
        found = list(spans.values_list("kind", "path", "attempt", "status"))
    assert found == [
        ("run", "", 1, "ok"),
        ("step", "1", 1, "interrupted"),
        ("model_call", "1/m", 1, "interrupted"),
        ("step", "1", 2, "ok"),
        ("model_call", "1/m", 2, "ok"),
        ("execution", "1/c1", 1, "ok"),
    ]


def test_expire_leases_gives_a_dead_workers_runs_back_at_once(
    live_worker: Process, acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    wait_until(lambda: calls_of(model_server, "hang") == 1 and reload(run).last_seq > 2, 20, live_worker.text())
    assert leases.expire_dead() == 0
    live_worker.kill()
    assert leases.expire_dead() == 1
    with worker() as second:
        let_go(model_server, second, 2)
        assert wait_until(lambda: ended(run), 10, second.text()) < 2
    assert reload(run).status == "succeeded"


def test_run_whose_message_got_lost_is_found_by_the_sweep(acme: Tenant, model_server: ModelServer) -> None:
    with scoping.organization(acme.organization):
        run = make_run(acme.principal, acme.project, model="openai/submit")
        from django.db import connection

        connection.run_on_commit.clear()  # the message
    with worker(beat=True) as process:
        wait_until(lambda: ended(run), 20, process.text())
    assert reload(run).status == "succeeded"


def test_stopped_worker_gives_its_runs_up_and_exits(acme: Tenant, model_server: ModelServer) -> None:
    with worker() as process:
        run = make_run(acme.principal, acme.project, model="openai/hang")
        wait_until(lambda: calls_of(model_server, "hang") == 1 and reload(run).last_seq > 2, 20, process.text())
        assert process.terminate(15) == 0
        assert "Traceback" not in process.text()
    assert reload(run).status == "queued"
    with worker() as second:
        let_go(model_server, second, 2)
        assert wait_until(lambda: ended(run), 10, second.text()) < 3
    assert (reload(run).status, reload(run).takeovers) == ("succeeded", 0)


def test_stopping_worker_lets_a_run_end_that_is_nearly_done(acme: Tenant, model_server: ModelServer) -> None:
    with worker() as process:
        run = make_run(acme.principal, acme.project, model="openai/delay-1500")
        wait_until(lambda: calls_of(model_server, "delay-1500") == 1, 20, process.text())
        assert process.terminate(15) == 0
    assert (reload(run).status, reload(run).answer) == ("succeeded", "42")


def test_cancel_reaches_the_worker_by_heartbeat_when_the_message_is_lost(
    live_worker: Process, acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    wait_until(lambda: calls_of(model_server, "hang") == 1, 20, live_worker.text())
    with scoping.organization(acme.organization):
        from django.db import connection

        cancel_run(by=acme.principal, run=run)
        connection.run_on_commit.clear()  # the message
    wait_until(lambda: ended(run), 5, live_worker.text())
    assert reload(run).status == "cancelled"


def test_paused_worker_that_lost_its_lease_writes_nothing_more(acme: Tenant, model_server: ModelServer) -> None:
    with worker() as first:
        run = make_run(acme.principal, acme.project, model="openai/hang")
        wait_until(lambda: calls_of(model_server, "hang") == 1 and reload(run).last_seq > 2, 20, first.text())
        first.popen.send_signal(signal.SIGSTOP)
        with worker(beat=True) as second:
            wait_until(lambda: calls_of(model_server, "hang") == 2, 20, second.text())
            model_server.release()
            wait_until(lambda: ended(run), 20, second.text())
        before = reload(run)
        first.popen.send_signal(signal.SIGCONT)
        wait_until(lambda: "stopped working" in first.text(), 10, first.text())
    after = reload(run)
    assert (after.status, after.last_seq, after.fence) == ("succeeded", before.last_seq, 2)


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("openai/unauthorized", "rejected_credentials"),
        ("openai/not-found", "unknown_model"),
    ],
)
def test_provider_that_refuses_ends_the_run_with_its_reason(
    live_worker: Process, acme: Tenant, model: str, code: str
) -> None:
    run = make_run(acme.principal, acme.project, model=model)
    wait_until(lambda: ended(run), 20, live_worker.text())
    run = reload(run)
    assert (run.status, run.finish_reason, run.error_code) == ("failed", "error", code)
    assert run.error_message


def test_environment_that_cannot_start_ends_the_run_with_its_reason(acme: Tenant, model_server: ModelServer) -> None:
    run = make_run(acme.principal, acme.project, model="openai/submit")
    with scoping.organization(acme.organization):
        Run.objects.for_org(acme.organization).filter(id=run.id).update(environment="docker")
    with worker() as process:
        wait_until(lambda: ended(run), 20, process.text())
    run = reload(run)
    assert (run.status, run.error_code) == ("failed", "environment_unavailable")
    assert "docker" in run.error_message


def test_rebuilt_projections_equal_the_live_ones(live_worker: Process, acme: Tenant) -> None:
    runs = [make_run(acme.principal, acme.project, model=f"openai/{name}") for name in ("deep-2", "batch-5", "raise")]
    for run in runs:
        wait_until(lambda run=run: ended(run), 30, live_worker.text())
    live = [projected(run) for run in runs]
    with scoping.organization(acme.organization):
        Span.objects.for_org(acme.organization).delete()
        Run.objects.for_org(acme.organization).update(input_tokens=0, steps=0, cost_usd=7.0)
    call_command("rebuild_projections")
    assert [projected(run) for run in runs] == live
    assert rebuild.rebuild(runs[0].id, runs[0].organization_id) == reload(runs[0]).last_seq


def projected(run: Run) -> object:
    with scoping.organization(run.organization_id):
        spans = list(Span.objects.for_org(run.organization_id).filter(run=run).order_by("first_seq").values())
        row = Run.objects.for_org(run.organization_id).filter(id=run.id).values().get()
    assert spans
    return row, [{name: value for name, value in span.items() if name != "id"} for span in spans]
