"""Recomputing the chains in Python, independently of the SQL that wrote them.

What it finds: an entry, link or personal field that was edited, removed, swapped or slipped in. What it cannot find by
itself: the end of a chain cut off, entries and links alike, and a chain recomputed whole by somebody with the owner's
rights. Against both, note a chain's head elsewhere and give it as `expected` later.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db.models import TextField
from django.db.models.functions import Cast

from rlmlab.audit.actions import commitment
from rlmlab.audit.models import AuditEntry, AuditLink, AuditPerson, Part

GENESIS: Final = "0" * 64
_CHUNK: Final = 2000


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain: what to note elsewhere as an anchor."""

    position: int
    hash: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """The outcome of a check; `broken_at` is the first position that is wrong, None where the chain is whole.

    `head` is the last link that was found right, so its position says how many are.
    """

    organization_id: UUID
    head: Head
    erased: int
    broken_at: int | None = None
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)


class _Broken(Exception):
    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


def chain_ids() -> list[UUID]:
    """List the chains there are, in the current scope."""
    linked = AuditLink.objects.values_list("organization_id", flat=True).distinct()
    written = AuditEntry.objects.values_list("organization_id", flat=True).distinct()
    return sorted({*linked, *written})


def verify_chain(organization_id: UUID, *, expected: Head | None = None) -> ChainReport:
    """Check a chain from its first link, in a scope that sees it.

    `expected` is a head noted earlier, which the chain must still contain.
    """
    started = time.monotonic()
    erased = 0
    head = Head(0, GENESIS)
    broken_at, reason = None, ""
    try:
        for link, people in _links(organization_id):
            _check_link(link, head)
            erased += _check_people(link, people)
            head = Head(link.position, link.hash)
            if expected is not None and head.position == expected.position and head != expected:
                raise _Broken(head.position, f"its hash is not the expected {expected.hash}")
        _check_end(organization_id, head, expected)
    except _Broken as error:
        broken_at, reason = error.position, error.reason
    return ChainReport(organization_id, head, erased, broken_at, reason, time.monotonic() - started)


def entry_hash(link: AuditLink, changes_text: str) -> str:
    """Recompute a link's hash from its entry, as `audit_hash` in the database computes it."""
    entry = link.entry
    values = [
        link.previous_hash,
        str(entry.organization_id),
        str(link.position),
        str(entry.id),
        _instant(entry.at),
        entry.actor_kind,
        None if entry.actor_id is None else str(entry.actor_id),
        entry.action,
        entry.object_type,
        None if entry.object_id is None else str(entry.object_id),
        entry.outcome,
        changes_text,
        entry.actor_commitment,
        entry.subject_commitment,
    ]
    return hashlib.sha256("".join(map(_field, values)).encode()).hexdigest()


def _field(value: str | None) -> str:
    """Prefix a value by its length in bytes, so that no two lists of values give the same text."""
    return "~," if value is None else f"{len(value.encode())}:{value},"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _links(organization_id: UUID) -> Iterator[tuple[AuditLink, Sequence[AuditPerson]]]:
    """Yield the links with their entries and personal fields, in order, a bounded number in memory."""
    after = -(2**63)
    while True:
        # the entry's changes are wanted as text only, so they need not be decoded
        found = AuditLink.objects.for_org(organization_id).select_related("entry").defer("entry__changes")
        found = found.filter(position__gt=after).annotate(changes_text=Cast("entry__changes", TextField()))
        links = list(found.order_by("position")[:_CHUNK])
        if not links:
            return
        people: dict[UUID, list[AuditPerson]] = {}
        for person in AuditPerson.objects.filter(entry__in=[link.entry_id for link in links]):
            people.setdefault(person.entry_id, []).append(person)
        for link in links:
            yield link, people.get(link.entry_id, [])
        after = links[-1].position


def _check_link(link: AuditLink, previous: Head) -> None:
    expected = previous.position + 1
    if link.position != expected:
        raise _Broken(expected, "it is missing")
    if link.previous_hash != previous.hash:
        raise _Broken(link.position, "it does not follow the link before it")
    if link.entry.organization_id != link.organization_id:
        raise _Broken(link.position, "its entry belongs to another chain")
    if entry_hash(link, getattr(link, "changes_text")) != link.hash:  # noqa: B009  an annotation
        raise _Broken(link.position, "its hash does not match its content")


def _check_people(link: AuditLink, people: Sequence[AuditPerson]) -> int:
    """Compare the personal fields with their commitments; return how many are erased."""
    found = {person.part: person for person in people}
    committed = {Part.ACTOR.value: link.entry.actor_commitment, Part.SUBJECT.value: link.entry.subject_commitment}
    for part, expected in committed.items():
        person = found.get(part)
        if (person is None) != (expected == ""):
            raise _Broken(link.position, f"the personal fields of its {part} do not belong to it or are missing")
        if person and person.erased_at is None and commitment(person.salt, person.fields) != expected:
            raise _Broken(link.position, f"the personal fields of its {part} do not match their commitment")
    return sum(person.erased_at is not None for person in people)


def _check_end(organization_id: UUID, head: Head, expected: Head | None) -> None:
    if expected is not None and head.position < expected.position:
        raise _Broken(head.position + 1, f"it is missing; the chain reached {expected.position} before")
    if AuditEntry.objects.for_org(organization_id).filter(link=None).exists():
        raise _Broken(head.position + 1, "an entry without a link was slipped in, or its link was removed")
