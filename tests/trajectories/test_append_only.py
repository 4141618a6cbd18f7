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
from trajectories.models import Blob, Dataset, Event, Example, Item, Rating, Run, RunExample, RunInput, Span, Tombstone


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


def learnt_from(run: Run, other: Run) -> Item:
    """Make of a run a rating, an example that the other run got, and an item that shares its input."""
    org = run.organization_id
    rating = Rating.objects.create(
        organization_id=org, run=run, dimension="correct", value=1.0, rater_kind="human", rater_actor="user"
    )
    example = Example.objects.create(
        organization_id=org,
        project=run.project,
        run=run,
        rating=rating,
        kind="good",
        task=run.task,
        text="Task: Count.",
        input_hash="0" * 64,
        created_by_kind="user",
    )
    RunExample.objects.create(organization_id=org, run=other, example=example, position=1, score=1.0, reason="alike")
    dataset = Dataset.objects.create(organization_id=org, project=run.project, name="counts")
    return Item.objects.create(
        organization_id=org,
        dataset=dataset,
        number=1,
        split="train",
        task=run.task,
        context_kind="text",
        blob=RunInput.objects.get(run=run).blob,
        expected="42",
        input_hash="0" * 64,
        source_run=run,
    )


def test_purge_takes_ratings_and_examples_along_and_leaves_items(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project, context="alone")
    other = finished_run(acme.principal, acme.project)
    with scoping.organization(acme.organization):
        item = learnt_from(run, other)
    execute(acme, "SELECT purge_run(%s)", run.id)
    with scoping.organization(acme.organization):
        for model in (Rating, Example, RunExample):
            assert model.objects.for_org(acme.organization).count() == 0
        item.refresh_from_db()
        assert item.source_run_id is None
        assert item.blob_id is not None
        assert Blob.objects.for_org(acme.organization).get().size == 5


@pytest.mark.parametrize("table", ["promptversion", "promotion"])
def test_application_cannot_change_prompt_versions_and_promotions(acme: Tenant, table: str) -> None:
    for statement in (f"UPDATE trajectories_{table} SET id = id", f"DELETE FROM trajectories_{table}"):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            execute(acme, statement)
