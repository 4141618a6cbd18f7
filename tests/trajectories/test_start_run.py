"""Starting a run: one transaction, audited, woken on commit, answered once."""

from typing import Any

import pytest
from kombu.exceptions import OperationalError

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Conflict, Invalid, NotAllowed, NotFound
from rlmlab.tenancy.principals import Principal
from tests.factories.runs import MODEL, make_run
from tests.factories.tenancy import Tenant
from trajectories import queue
from trajectories.actions.files import store_file
from trajectories.actions.idempotency import IdempotentRequest
from trajectories.actions.runs import start_run
from trajectories.models import IdempotencyKey, Run
from trajectories.requests import RunRequest


def start(tenant: Tenant, key: str, fingerprint: str = "f" * 64, **fields: Any) -> Run:
    request = RunRequest(**{"task": "Count.", "model": MODEL} | fields)
    return start_run(
        by=tenant.principal,
        project=tenant.project,
        request=request,
        idempotent=IdempotentRequest(key, fingerprint),
    )


def count(tenant: Tenant) -> int:
    with scoping.organization(tenant.organization):
        return Run.objects.for_org(tenant.organization).count()


def test_start_is_audited(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, task="Count the words.")
    with scoping.organization(acme.organization):
        entry = AuditEntry.objects.for_org(acme.organization).get(action="run.create")
    assert (entry.object_type, entry.object_id, entry.actor_id) == ("run", run.id, acme.user.id)
    assert entry.changes["title"] == "Count the words."


def test_worker_is_woken_when_the_transaction_commits(
    acme: Tenant, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(queue, "_send", lambda run_id, organization_id: sent.append((run_id, organization_id)))
    with django_capture_on_commit_callbacks(execute=True):
        run = make_run(acme.principal, acme.project)
        assert sent == []
    assert sent == [(str(run.id), str(acme.organization.id))]


def test_viewer_may_not_start(acme: Tenant, vera: Principal) -> None:
    with pytest.raises(NotAllowed, match=r"run\.create"):
        make_run(vera, acme.project)
    assert count(acme) == 0


def test_foreign_project_is_not_found(acme: Tenant, bolt: Tenant) -> None:
    with pytest.raises(NotFound):
        make_run(bolt.principal, acme.project)
    with pytest.raises(NotFound):
        store_file(by=bolt.principal, project=acme.project, name="a", chunks=[b"x"])


def test_refused_request_stores_nothing(acme: Tenant) -> None:
    with pytest.raises(Invalid):
        make_run(acme.principal, acme.project, context="x" * 100, files=[acme.project.id])
    with scoping.organization(acme.organization):
        assert Run.objects.for_org(acme.organization).count() == 0
        assert AuditEntry.objects.for_org(acme.organization).filter(action="run.create").count() == 0


def test_repeated_request_answers_the_same_run(acme: Tenant) -> None:
    first = start(acme, "once")
    assert start(acme, "once").id == first.id
    assert start(acme, "another").id != first.id
    assert count(acme) == 2


def test_another_body_under_the_same_key_is_a_conflict(acme: Tenant) -> None:
    start(acme, "once")
    with pytest.raises(Conflict, match="another body"):
        start(acme, "once", fingerprint="e" * 64)
    assert count(acme) == 1


def test_key_is_forgotten_after_a_day(acme: Tenant) -> None:
    first = start(acme, "once")
    with scoping.organization(acme.organization):
        IdempotencyKey.objects.for_org(acme.organization).update(created_at="2020-01-01T00:00:00Z")
    assert start(acme, "once", fingerprint="e" * 64).id != first.id


def test_keys_of_two_organizations_do_not_meet(acme: Tenant, bolt: Tenant) -> None:
    assert start(acme, "once").organization_id != start(bolt, "once").organization_id


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\nb"])
def test_odd_key_is_refused(acme: Tenant, key: str) -> None:
    with pytest.raises(Invalid, match="Idempotency-Key"):
        start(acme, key)


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 256, "a\x00"])
def test_odd_file_name_is_refused(acme: Tenant, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        store_file(by=acme.principal, project=acme.project, name=name, chunks=[b"x"])
    assert caught.value.errors[0].field == "file"


@pytest.mark.django_db(transaction=True)
def test_run_is_made_although_the_broker_is_away(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep wakes a worker later; an error would make its maker start it twice."""

    def refuse(*_: str) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(queue, "_send", refuse)
    run = make_run(acme.principal, acme.project)
    assert (run.status, count(acme)) == ("queued", 1)
