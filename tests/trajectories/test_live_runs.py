"""Runs made by a real worker process with a scripted model over real HTTP."""

import pytest

from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.live import Process, wait_until
from trajectories import queries
from trajectories.actions.runs import cancel_run
from trajectories.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


def ended(run: Run) -> bool:
    return reload(run).is_terminal


def test_run_ends_well(live_worker: Process, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/length", context="x" * 100)
    wait_until(lambda: ended(run), 20, live_worker.text())
    run = reload(run)
    assert (run.status, run.finish_reason, run.answer, run.error_message) == ("succeeded", "submitted", "100", "")
    events = queries.events_page(run, limit=1000)
    assert [event.seq for event in events] == list(range(1, run.last_seq + 1))
    assert events[-1].type == "span_finished"
    assert run.model_calls == 1
    assert run.environment_level != ""


def test_cancel_stops_a_model_call_within_two_seconds(
    live_worker: Process, acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    wait_until(lambda: any(call.model == "hang" for call in model_server.calls), 20, live_worker.text())
    cancel_run(by=acme.principal, run=run)
    assert wait_until(lambda: ended(run), 10, live_worker.text()) < 2
    assert (reload(run).status, reload(run).finish_reason) == ("cancelled", "cancelled")


def test_cancel_stops_an_endless_loop_within_two_seconds(live_worker: Process, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/spin")
    wait_until(lambda: "code" in {event.type for event in queries.events_page(run)}, 20, live_worker.text())
    cancel_run(by=acme.principal, run=run)
    assert wait_until(lambda: ended(run), 10, live_worker.text()) < 2
    assert reload(run).status == "cancelled"
