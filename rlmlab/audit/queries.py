"""Reads of the audit log."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rlmlab import scoping
from rlmlab.audit import presenters
from rlmlab.audit.models import AuditEntry, AuditPerson, Part


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry as people read it; erased personal fields are empty."""

    id: UUID
    at: datetime
    actor: str
    ip: str
    action: str
    sentence: str
    outcome: str
    subject: str
    differences: list[tuple[str, str, str]]


def entries_page(organization_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[EntryView]:
    """List an organization's entries, newest first, those older than the entry `before`."""
    with scoping.organization(organization_id):
        entries = AuditEntry.objects.for_org(organization_id)
        if before is not None:
            entries = entries.filter(id__lt=before)
        return [present(entry) for entry in entries.prefetch_related("people").order_by("-id")[:limit]]


def present(entry: AuditEntry) -> EntryView:
    """Turn an entry, with its people fetched, into what is shown."""
    people = {person.part: person for person in entry.people.all()}
    actor, subject = people.get(Part.ACTOR.value), people.get(Part.SUBJECT.value)
    return EntryView(
        id=entry.id,
        at=entry.at,
        actor=_value(actor, "label"),
        ip=_value(actor, "ip"),
        action=entry.action,
        sentence=presenters.sentence(entry.action, entry.changes),
        outcome=entry.outcome,
        subject=_value(subject, "email"),
        differences=presenters.differences(entry.changes),
    )


def _value(person: AuditPerson | None, name: str) -> str:
    return "" if person is None else person.value(name)
