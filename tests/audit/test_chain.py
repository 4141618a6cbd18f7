"""The chain finds tampering, stands concurrent writers, and survives erasure."""

from collections.abc import Callable
from threading import Barrier, Thread
from uuid import UUID, uuid4

import pytest
from django.db import Error, connection

from rlmlab import scoping
from rlmlab.audit import chain
from rlmlab.audit.actions import Subject, erase_person, record
from rlmlab.audit.actors import SYSTEM, Actor
from rlmlab.audit.chain import GENESIS, ChainReport, Head, chain_ids, verify_chain
from rlmlab.audit.models import AuditEntry, AuditLink, AuditPerson
from tests.database import Execute

pytestmark = pytest.mark.django_db(transaction=True)

ORGANIZATION, OTHER = uuid4(), uuid4()
ADA = Actor("user", uuid4(), "ada@acme.example")
BO = uuid4()


def write(number: int, organization_id: UUID = ORGANIZATION) -> None:
    with scoping.organization(organization_id):
        record(
            organization_id=organization_id, actor=ADA, action="member.add", object_type="user", object_id=BO,
            changes={"number": number, "text": 'Größe "1" 🙂\\', "rate": 0.1, "list": [1, None, {"b": 1, "aa": True}]},
            subject=Subject(BO, {"email": "bo@bolt.example"}), ip="192.0.2.7",
        )  # fmt: skip


def verify(organization_id: UUID = ORGANIZATION, expected: Head | None = None) -> ChainReport:
    with scoping.organization(organization_id):
        return verify_chain(organization_id, expected=expected)


@pytest.fixture
def five() -> Head:
    """A chain of five, and its head."""
    for number in range(1, 6):
        write(number)
    return verify().head


Tamper = Callable[[str], None]


@pytest.fixture
def tamper(as_owner: Execute) -> Tamper:
    """Change rows as the owner, with all triggers of ours disabled."""

    def run(statement: str) -> None:
        for table in ("audit_auditentry", "audit_auditlink", "audit_auditperson"):
            as_owner(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            as_owner(statement.replace("ORGANIZATION", f"'{ORGANIZATION}'"))
        finally:
            for table in ("audit_auditentry", "audit_auditlink", "audit_auditperson"):
                as_owner(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    return run


ENTRY_3 = "id = (SELECT entry_id FROM audit_auditlink WHERE position = 3)"
OF_ENTRY_3 = "entry_id = (SELECT entry_id FROM audit_auditlink WHERE position = 3)"


def test_untouched_chain_is_whole(five: Head) -> None:
    report = verify()
    assert (report.broken_at, report.reason, report.erased) == (None, "", 0)
    assert report.head.position == 5
    assert len(report.head.hash) == 64


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_chain_is_read_in_bounded_pieces(
    five: Head, tamper: Tamper, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(chain, "_CHUNK", size)
    assert verify().head == five
    tamper("UPDATE audit_auditlink SET hash = repeat('0', 64) WHERE position = 5")
    assert (verify().broken_at, verify().head.position) == (5, 4)


def test_empty_chain_is_whole() -> None:
    assert verify() == ChainReport(ORGANIZATION, Head(0, GENESIS), 0)


def test_chains_are_separate(five: Head) -> None:
    write(1, OTHER)
    assert verify(OTHER).head.position == 1
    assert verify().head == five
    with scoping.system("a test lists the chains"):
        assert chain_ids() == sorted([ORGANIZATION, OTHER])


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "action = 'member.remove'",
        "actor_kind = 'system'",
        "actor_id = gen_random_uuid()",
        "actor_id = NULL",
        "object_type = 'project'",
        "object_id = NULL",
        "outcome = 'denied'",
        "changes = changes || '{\"number\": 9}'",
        "actor_commitment = repeat('0', 64)",
    ],
)
def test_edited_entry_is_found(five: Head, tamper: Tamper, change: str) -> None:
    tamper(f"UPDATE audit_auditentry SET {change} WHERE {ENTRY_3}")
    report = verify()
    assert (report.broken_at, report.reason) == (3, "its hash does not match its content")
    assert report.head.position == 2


def test_entry_moved_to_another_organization_is_found(five: Head, tamper: Tamper) -> None:
    tamper(f"UPDATE audit_auditentry SET organization_id = '{OTHER}' WHERE {ENTRY_3}")
    with scoping.system("a test sees both"):
        report = verify_chain(ORGANIZATION)
        other = verify_chain(OTHER)
    assert (report.broken_at, report.reason) == (3, "its entry belongs to another chain")
    assert other.broken_at is None  # the entry has a link, which stands in the first chain
    assert verify().broken_at == 3


@pytest.mark.parametrize(
    ("change", "position"), [("hash = repeat('0', 64)", 3), ("previous_hash = repeat('0', 64)", 3)]
)
def test_edited_link_is_found(five: Head, tamper: Tamper, change: str, position: int) -> None:
    tamper(f"UPDATE audit_auditlink SET {change} WHERE position = 3")
    assert verify().broken_at == position


def test_deleted_link_and_entry_are_found(five: Head, tamper: Tamper, as_owner: Execute) -> None:
    ((entry,),) = as_owner("SELECT entry_id FROM audit_auditlink WHERE position = 3")
    tamper("DELETE FROM audit_auditlink WHERE position = 3")
    assert (verify().broken_at, verify().reason) == (3, "it is missing")
    tamper(f"DELETE FROM audit_auditperson WHERE entry_id = '{entry}'")
    tamper(f"DELETE FROM audit_auditentry WHERE id = '{entry}'")
    assert (verify().broken_at, verify().reason) == (3, "it is missing")


def test_deletion_that_closes_the_gap_is_found(five: Head, tamper: Tamper) -> None:
    tamper("DELETE FROM audit_auditlink WHERE position = 3")
    tamper("UPDATE audit_auditlink SET position = position - 1 WHERE position > 3")
    assert (verify().broken_at, verify().reason) == (3, "it does not follow the link before it")


def test_swapped_entries_are_found(five: Head, tamper: Tamper) -> None:
    tamper("UPDATE audit_auditlink SET position = 99 WHERE position = 3")
    tamper("UPDATE audit_auditlink SET position = 3 WHERE position = 4")
    tamper("UPDATE audit_auditlink SET position = 4 WHERE position = 99")
    assert (verify().broken_at, verify().reason) == (3, "it does not follow the link before it")


INSERTED = """
INSERT INTO audit_auditentry (id, organization_id, at, actor_kind, action, object_type, outcome, changes,
    actor_commitment, subject_commitment)
VALUES ('00000000-0000-7000-8000-000000000001', ORGANIZATION, now(), 'system', 'x', 'y', 'ok', '{}', '', '')
"""


def test_inserted_entry_without_a_link_is_found(five: Head, tamper: Tamper) -> None:
    tamper(INSERTED)
    assert verify().broken_at == 6
    assert verify().reason == "an entry without a link was slipped in, or its link was removed"


def test_inserted_entry_with_a_link_in_the_middle_is_found(five: Head, tamper: Tamper) -> None:
    tamper(INSERTED)
    tamper("UPDATE audit_auditlink SET position = position + 1000 WHERE position > 2")
    tamper("UPDATE audit_auditlink SET position = position - 999 WHERE position > 1000")
    tamper(
        "INSERT INTO audit_auditlink SELECT e.id, e.organization_id, 3, l.hash, audit_hash(e, 3, l.hash)"
        " FROM audit_auditentry e, audit_auditlink l WHERE e.action = 'x' AND l.position = 2"
    )
    assert (verify().broken_at, verify().reason) == (4, "it does not follow the link before it")


def test_truncated_links_are_found(five: Head, tamper: Tamper) -> None:
    tamper("DELETE FROM audit_auditlink WHERE position > 3")
    report = verify()
    assert (report.broken_at, report.head.position) == (4, 3)


def test_truncated_tail_is_found_only_with_a_head_noted_before(five: Head, tamper: Tamper, as_owner: Execute) -> None:
    entries = as_owner("SELECT entry_id FROM audit_auditlink WHERE position > 3")
    ids = ", ".join(f"'{entry}'" for (entry,) in entries)
    tamper("DELETE FROM audit_auditlink WHERE position > 3")
    tamper(f"DELETE FROM audit_auditperson WHERE entry_id IN ({ids})")
    tamper(f"DELETE FROM audit_auditentry WHERE id IN ({ids})")
    assert verify().broken_at is None
    report = verify(expected=five)
    assert (report.broken_at, report.reason) == (4, "it is missing; the chain reached 5 before")


def test_expected_head_in_the_middle_of_a_longer_chain_is_accepted(five: Head) -> None:
    write(6)
    assert verify(expected=five).broken_at is None
    report = verify(expected=Head(5, "f" * 64))
    assert (report.broken_at, report.reason) == (5, f"its hash is not the expected {'f' * 64}")


def test_edited_personal_field_is_found(five: Head, tamper: Tamper) -> None:
    tamper(f"UPDATE audit_auditperson SET fields = '{{\"label\": \"eve\"}}' WHERE part = 'actor' AND {OF_ENTRY_3}")
    assert (verify().broken_at, verify().reason) == (
        3, "the personal fields of its actor do not match their commitment",
    )  # fmt: skip


def test_removed_personal_fields_are_found(five: Head, tamper: Tamper) -> None:
    tamper(f"DELETE FROM audit_auditperson WHERE part = 'subject' AND {OF_ENTRY_3}")
    assert (verify().broken_at, verify().reason) == (
        3, "the personal fields of its subject do not belong to it or are missing",
    )  # fmt: skip


def test_erasure_leaves_the_chain_whole(five: Head) -> None:
    write(1, OTHER)
    assert erase_person(person_id=BO, by=SYSTEM) == 6
    report = verify()
    assert (report.broken_at, report.erased, report.head) == (None, 5, five)
    assert verify(OTHER).broken_at is None
    with scoping.organization(ORGANIZATION):
        people = AuditPerson.objects.for_org(ORGANIZATION)
        assert {(person.salt, str(person.fields)) for person in people.filter(person_id=BO)} == {("", "{}")}
        assert {person.value("label") for person in people.filter(person_id=ADA.id)} == {"ada@acme.example"}
    with scoping.organization(scoping.PLATFORM):
        entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id, entry.changes) == ("person.erase", BO, {"entries": 6})


def test_erasing_twice_changes_nothing_more(five: Head) -> None:
    assert erase_person(person_id=ADA.id or BO, by=SYSTEM) == 5
    assert erase_person(person_id=ADA.id or BO, by=SYSTEM) == 0
    assert verify().broken_at is None


def test_eight_concurrent_transactions_make_one_chain() -> None:
    start, failures = Barrier(8), []

    def work(worker: int) -> None:
        start.wait()
        try:
            for number in range(10):
                write(worker * 100 + number)
        except Error as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    report = verify()
    assert (report.broken_at, report.head.position) == (None, 80)
    with scoping.organization(ORGANIZATION):
        assert AuditEntry.objects.count() == 80


def test_long_transaction_does_not_block_another() -> None:
    """The lock is taken at commit, so entries written first may be linked last."""
    written, go_on = Barrier(2), Barrier(2)

    def slow() -> None:
        with scoping.organization(ORGANIZATION):
            write(1)
            written.wait(20)
            go_on.wait(20)
        connection.close()

    thread = Thread(target=slow)
    thread.start()
    written.wait(20)
    write(2)
    go_on.wait(20)
    thread.join(20)
    with scoping.organization(ORGANIZATION):
        links = AuditLink.objects.select_related("entry").order_by("position")
        assert [link.entry.changes["number"] for link in links] == [2, 1]
    assert verify().broken_at is None


def test_several_entries_of_one_transaction_keep_their_order() -> None:
    with scoping.organization(ORGANIZATION):
        for number in range(5):
            write(number)
    with scoping.organization(ORGANIZATION):
        links = AuditLink.objects.select_related("entry").order_by("position")
        assert [link.entry.changes["number"] for link in links] == [0, 1, 2, 3, 4]
    assert verify().head.position == 5
