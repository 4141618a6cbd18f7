"""Which entries are meant."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from rlmlab import scoping
from rlmlab.audit.actions import erase_person, record
from rlmlab.audit.actors import SYSTEM, Actor
from rlmlab.audit.models import AuditEntry
from rlmlab.audit.queries import EntryFilter, entries_page, object_types

pytestmark = pytest.mark.django_db

ORGANIZATION = uuid4()
ADA = Actor("user", uuid4(), "Ada@acme.example")
KEY = Actor("api_key", uuid4(), "rlm_abcdefgh_… “night 100%”")
PROJECT = uuid4()


def write(
    actor: Actor, action: str, object_type: str, object_id: UUID | None = None, outcome: str = "ok"
) -> AuditEntry:
    return record(
        organization_id=ORGANIZATION, actor=actor, action=action, object_type=object_type, object_id=object_id,
        changes={}, outcome=outcome,
    )  # fmt: skip


@pytest.fixture
def entries() -> Iterator[list[AuditEntry]]:
    with scoping.organization(ORGANIZATION):
        yield [
            write(ADA, "project.create", "project", PROJECT),
            write(KEY, "run.start", "run", uuid4()),
            write(SYSTEM, "run.cancel", "run"),
            write(ADA, "access.deny", "permission", outcome="denied"),
        ]


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        (EntryFilter(), [3, 2, 1, 0]),
        (EntryFilter(actor="ada@"), [3, 0]),
        (EntryFilter(actor="NIGHT 100%"), [1]),
        (EntryFilter(actor="night_100"), []),
        (EntryFilter(actor="system"), [2]),
        (EntryFilter(actor_id=KEY.id), [1]),
        (EntryFilter(action="access.deny"), [3]),
        (EntryFilter(object_type="run"), [2, 1]),
        (EntryFilter(object_type="project", object_id=PROJECT), [0]),
        (EntryFilter(object_type="run", object_id=PROJECT), []),
        (EntryFilter(outcome="denied"), [3]),
        (EntryFilter(actor="ada", outcome="ok"), [0]),
        (EntryFilter(since=datetime(2020, 1, 1, tzinfo=UTC)), [3, 2, 1, 0]),
        (EntryFilter(until=datetime(2020, 1, 1, tzinfo=UTC)), []),
    ],
)
def test_each_part_narrows(entries: list[AuditEntry], where: EntryFilter, numbers: list[int]) -> None:
    found = entries_page(ORGANIZATION, where=where)
    assert [entry.id for entry in found] == [entries[number].id for number in numbers]


def test_since_is_included_and_until_is_not(entries: list[AuditEntry]) -> None:
    at = entries[1].at
    assert entries[1].id in {entry.id for entry in entries_page(ORGANIZATION, where=EntryFilter(since=at))}
    assert entries[1].id not in {entry.id for entry in entries_page(ORGANIZATION, where=EntryFilter(until=at))}
    just_after = EntryFilter(since=at, until=at + timedelta(microseconds=1))
    assert [entry.id for entry in entries_page(ORGANIZATION, where=just_after)] == [entries[1].id]


def test_pages_go_on_within_the_filter(entries: list[AuditEntry]) -> None:
    where = EntryFilter(actor="ada")
    (first,) = entries_page(ORGANIZATION, limit=1, where=where)
    (second,) = entries_page(ORGANIZATION, limit=1, where=where, before=first.id)
    assert [first.id, second.id] == [entries[3].id, entries[0].id]
    assert entries_page(ORGANIZATION, where=where, before=second.id) == []


def test_another_organization_is_never_meant(entries: list[AuditEntry]) -> None:
    assert entries_page(uuid4(), where=EntryFilter(actor_id=ADA.id)) == []
    assert object_types(uuid4()) == []


def test_kinds_of_objects_are_listed_once(entries: list[AuditEntry]) -> None:
    assert object_types(ORGANIZATION) == ["permission", "project", "run"]


def test_who_was_erased_is_found_by_id_only(entries: list[AuditEntry]) -> None:
    assert ADA.id is not None
    erase_person(person_id=ADA.id, by=SYSTEM)
    assert entries_page(ORGANIZATION, where=EntryFilter(actor="ada")) == []
    found = entries_page(ORGANIZATION, where=EntryFilter(actor_id=ADA.id))
    assert [(entry.id, entry.actor) for entry in found] == [(entries[3].id, ""), (entries[0].id, "")]
