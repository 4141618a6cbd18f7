"""Stopping a run that waits, that works, that has ended."""

from typing import Any

import pytest

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Conflict, NotAllowed, NotFound
from rlmlab.tenancy.principals import Principal
from tests.factories.runs import finished_run, hold, make_run, reload
from tests.factories.tenancy import Tenant
from trajectories import leases, queries, queue
from trajectories.actions.runs import cancel_run


def test_waiting_run_ends_at_once_with_a_stream_of_its_own(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, context="abc")
    shown = cancel_run(by=acme.principal, run=run)
    assert (shown.status, shown.finish_reason, shown.last_seq) == ("cancelled", "cancelled", 2)
    run = reload(run)
    assert (run.status, run.finish_reason, run.last_seq) == ("cancelled", "cancelled", 2)
    assert run.finished_at is not None
    assert [event.type for event in queries.events_page(run)] == ["span_started", "span_finished"]
    assert [(span.kind, span.status) for span in queries.spans_of(run)] == [("run", "cancelled")]
    assert leases.claim(run_id=run.id, organization_id=run.organization_id, owner="late") is None


def test_working_run_is_flagged_and_its_worker_told(
    acme: Tenant, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, str]] = []
    monkeypatch.setattr(queue, "_broadcast", told.append)
    run = make_run(acme.principal, acme.project)
    holder = hold(run)
    with django_capture_on_commit_callbacks(execute=True):
        assert cancel_run(by=acme.principal, run=run).status == "running"
        cancel_run(by=acme.principal, run=run)
    assert reload(run).cancel_requested
    assert told == [{"type": "run.cancel", "run_id": str(run.id)}]
    assert leases.beat(owner=holder.owner, run_ids=[run.id]) == {
        run.id: leases.Beat(1, cancel_requested=True, pause_requested=False)
    }


def test_asking_again_changes_nothing_and_is_audited_once(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    for _ in range(3):
        assert cancel_run(by=acme.principal, run=run).status == "cancelled"
    with scoping.organization(acme.organization):
        assert AuditEntry.objects.for_org(acme.organization).filter(action="run.cancel").count() == 1


def test_ended_run_cannot_be_stopped(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    with pytest.raises(Conflict, match="already ended"):
        cancel_run(by=acme.principal, run=run)


def test_viewers_and_strangers_may_not(acme: Tenant, vera: Principal, bo: Principal) -> None:
    run = make_run(acme.principal, acme.project)
    with pytest.raises(NotAllowed):
        cancel_run(by=vera, run=run)
    with pytest.raises(NotFound):
        cancel_run(by=bo, run=run)
    assert reload(run).status == "queued"
