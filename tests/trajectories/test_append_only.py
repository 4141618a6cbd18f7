"""The database itself refuses to change what happened."""

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.utils import DatabaseError, IntegrityError

from rlmlab import scoping
from tests.database import Execute
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant
from trajectories.actions.files import store_file
from trajectories.models import Blob, Event, Run, RunInput, Span, Tombstone


def execute(tenant: Tenant, statement: str, *values: object) -> list[tuple[object, ...]]:
    with scoping.organization(tenant.organization), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trajectories_event SET payload = '{}'",
        "UPDATE trajectories_event SET seq = seq WHERE false",
        "DELETE FROM trajectories_event",
        "TRUNCATE trajectories_event CASCADE",
        "DELETE FROM trajectories_run",
        "INSERT INTO trajectories_tombstone DEFAULT VALUES",
    ],
)
def test_application_cannot_change_the_record(acme: Tenant, statement: str) -> None:
    finished_run(acme.principal, acme.project)
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        execute(acme, statement)


@pytest.mark.django_db(transaction=True)
def test_not_even_the_owner_can_update_events(acme: Tenant, as_owner: Execute) -> None:
    finished_run(acme.principal, acme.project)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        as_owner("UPDATE trajectories_event SET seq = seq")


def test_numbers_are_used_once(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    with scoping.organization(acme.organization):
        event = Event.objects.for_org(acme.organization).get(run=run, seq=1)
        with pytest.raises(IntegrityError, match="event_seq_once_per_run"), transaction.atomic():
            Event.objects.bulk_create([Event(**{**vars_of(event), "id": run.id})])


def vars_of(event: Event) -> dict[str, object]:
    names = ("organization_id", "run_id", "seq", "at", "span_id", "parent_span_id", "depth", "type", "payload")
    return {name: getattr(event, name) for name in names}


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ("status = 'running'", "run_is_leased_while_running"),
        ("status = 'succeeded'", "run_ends_with_a_reason"),
        ("status = 'odd'", "run_status_is_known"),
        ("finish_reason = 'submitted'", "run_ends_with_a_reason"),
        ("status = 'failed', finish_reason = 'error', finished_at = now()", "run_failed_with_an_error"),
        ("environment = 'auto2'", "run_environment_is_known"),
    ],
)
def test_impossible_states_are_refused(acme: Tenant, columns: str, constraint: str) -> None:
    make_run(acme.principal, acme.project)
    with pytest.raises(IntegrityError, match=constraint):
        execute(acme, f"UPDATE trajectories_run SET {columns}")


def test_purge_removes_a_run_and_leaves_a_tombstone(acme: Tenant) -> None:
    shared = store_file(by=acme.principal, project=acme.project, name="a", chunks=[b"shared"])
    run = finished_run(acme.principal, acme.project, context="alone", files=[shared.id])
    other = finished_run(acme.principal, acme.project)
    assert execute(acme, "SELECT purge_run(%s)", run.id) == [(7,)]
    with scoping.organization(acme.organization):
        for model in (Event, Span, RunInput):
            assert model.objects.for_org(acme.organization).filter(run_id=run.id).count() == 0
        assert list(Run.objects.for_org(acme.organization)) == [other]
        assert [blob.size for blob in Blob.objects.for_org(acme.organization)] == [6]
        tombstone = Tombstone.objects.for_org(acme.organization).get()
    assert (tombstone.run_id, tombstone.events, tombstone.created_at) == (run.id, 7, run.created_at)


def test_purge_leaves_foreign_and_working_runs_alone(acme: Tenant, bolt: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    with pytest.raises(DatabaseError, match="no run"):
        execute(bolt, "SELECT purge_run(%s)", run.id)
    working = make_run(acme.principal, acme.project)
    with pytest.raises(DatabaseError, match="has not ended"):
        execute(acme, "SELECT purge_run(%s)", working.id)
