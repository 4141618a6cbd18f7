"""Entries, and what the database refuses to do to them."""

import hashlib
import json
from uuid import UUID, uuid4

import pytest
from django.db import Error, ProgrammingError, connection, transaction

from rlmlab import scoping
from rlmlab.audit.actions import Subject, commitment, record, record_attempt
from rlmlab.audit.actors import SYSTEM, Actor
from rlmlab.audit.models import AuditEntry, AuditLink, AuditPerson, Outcome
from tests.database import Execute

ORGANIZATION = uuid4()
ADA = Actor("user", uuid4(), "ada@acme.example")


def write(action: str = "project.create", organization_id: UUID | None = ORGANIZATION, **changes: object) -> AuditEntry:
    scope = scoping.PLATFORM if organization_id is None else organization_id
    with scoping.organization(scope):
        return record(
            organization_id=organization_id,
            actor=ADA,
            action=action,
            object_type="project",
            object_id=None,
            changes=changes,
            ip="192.0.2.7",
        )


@pytest.mark.django_db
def test_entry_holds_no_personal_field() -> None:
    entry = write(slug="demo")
    with scoping.organization(ORGANIZATION):
        stored = AuditEntry.objects.get()
        (person,) = stored.people.all()
    assert (stored.id, stored.organization_id, stored.actor_id, stored.outcome) == (
        entry.id, ORGANIZATION, ADA.id, "ok",
    )  # fmt: skip
    assert stored.changes == {"slug": "demo"}
    assert (person.part, person.person_id, person.fields) == (
        "actor", ADA.id, {"label": "ada@acme.example", "ip": "192.0.2.7"},
    )  # fmt: skip
    assert stored.actor_commitment == commitment(person.salt, person.fields)
    assert stored.subject_commitment == ""
    assert "ada@" not in str(vars(stored))


def test_commitment_is_salted_sha256_of_sorted_json() -> None:
    fields = {"label": "ada", "ip": "::1"}
    expected = hashlib.sha256(b"s:" + json.dumps({"ip": "::1", "label": "ada"}, separators=(",", ":")).encode())
    assert commitment("s", fields) == expected.hexdigest()
    assert commitment("t", fields) != commitment("s", fields)


@pytest.mark.django_db
def test_two_entries_of_a_person_have_different_salts() -> None:
    first, second = write(), write()
    assert first.actor_commitment != second.actor_commitment


@pytest.mark.django_db
def test_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="maybe"), scoping.organization(ORGANIZATION):
        record(
            organization_id=ORGANIZATION, actor=SYSTEM, action="a", object_type="b", object_id=None, changes={},
            outcome="maybe",
        )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_entry_goes_with_a_rolled_back_action() -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with scoping.organization(ORGANIZATION):
        assert (AuditEntry.objects.count(), AuditLink.objects.count()) == (0, 0)


def write_and_fail() -> None:
    with scoping.organization(ORGANIZATION):
        write()
        _ = 1 / 0


@pytest.mark.django_db(transaction=True)
def test_attempt_is_recorded_after_the_rollback() -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    subject = Subject(uuid4(), {"email": "eve@acme.example"})
    record_attempt(
        organization_id=ORGANIZATION, actor=ADA, action="access.deny", outcome=Outcome.DENIED, object_type="permission",
        changes={"permission": "run.create"}, subject=subject,
    )  # fmt: skip
    record_attempt(
        organization_id=None, actor=ADA, action="session.sign_in_fail", outcome=Outcome.FAILED, object_type="session"
    )
    with scoping.system("a test reads both chains"):
        entries = list(AuditEntry.objects.order_by("id").values_list("organization_id", "action", "outcome"))
        people = AuditPerson.objects.filter(part="subject").values_list("person_id", "fields")
        assert entries == [
            (ORGANIZATION, "access.deny", "denied"),
            (scoping.PLATFORM, "session.sign_in_fail", "failed"),
        ]
        assert list(people) == [(subject.id, {"email": "eve@acme.example"})]
        assert AuditLink.objects.count() == 2


@pytest.mark.django_db
def test_other_organizations_entries_are_invisible_and_cannot_be_written() -> None:
    write()
    with scoping.organization(uuid4()):
        assert AuditEntry.objects.count() + AuditPerson.objects.count() + AuditLink.objects.count() == 0
    with pytest.raises(ProgrammingError, match="row-level security"), scoping.organization(uuid4()):
        record(organization_id=ORGANIZATION, actor=SYSTEM, action="a", object_type="b", object_id=None, changes={})


REFUSED_TO_THE_APPLICATION = [
    "UPDATE audit_auditentry SET action = 'x'",
    "UPDATE audit_auditentry SET action = 'x' WHERE false",
    "DELETE FROM audit_auditentry",
    "TRUNCATE audit_auditentry CASCADE",
    "UPDATE audit_auditlink SET hash = 'x'",
    "DELETE FROM audit_auditlink",
    "TRUNCATE audit_auditlink",
    "INSERT INTO audit_auditlink SELECT id, organization_id, 9, '', '' FROM audit_auditentry",
    "DELETE FROM audit_auditperson",
    "TRUNCATE audit_auditperson",
    'UPDATE audit_auditperson SET fields = \'{"label": "eve"}\'',
    "UPDATE audit_auditperson SET fields = '{}'",
    "UPDATE audit_auditperson SET person_id = gen_random_uuid()",
    "ALTER TABLE audit_auditentry DISABLE TRIGGER ALL",
]


@pytest.mark.parametrize("statement", REFUSED_TO_THE_APPLICATION)
@pytest.mark.django_db(transaction=True)
def test_application_role_cannot_change_the_log(statement: str) -> None:
    write()
    with (
        pytest.raises(Error, match=r"permission denied|append-only|must be owner|erased once"),
        scoping.organization(ORGANIZATION),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize("table", ["audit_auditentry", "audit_auditlink"])
@pytest.mark.django_db(transaction=True)
def test_update_is_refused_to_the_owner_as_well(table: str, as_owner: Execute) -> None:
    write()
    with pytest.raises(Exception, match=f"{table} is append-only: UPDATE is refused"):
        as_owner(f"UPDATE {table} SET organization_id = organization_id")


@pytest.mark.django_db(transaction=True)
def test_link_is_written_at_commit() -> None:
    with transaction.atomic():
        entry = write()
        with scoping.organization(ORGANIZATION):
            assert AuditLink.objects.count() == 0
    with scoping.organization(ORGANIZATION):
        link = AuditLink.objects.get()
    assert (link.entry_id, link.position, link.previous_hash) == (entry.id, 1, "0" * 64)
