"""Reads of the audit log."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from rlmlab import scoping
from rlmlab.audit import presenters
from rlmlab.audit.diff import Change, changes_of
from rlmlab.audit.models import AuditEntry, AuditPerson, Part


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry as people read it; erased personal fields are empty."""

    id: UUID
    organization_id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor: str
    ip: str
    action: str
    sentence: str
    object_type: str
    object_id: UUID | None
    outcome: str
    subject: str
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are meant; what is empty does not narrow.

    `actor` is a part of who acted: an address, a name, the label of an API key; `since` is included, `until` is not.
    """

    actor: str = ""
    actor_id: UUID | None = None
    action: str = ""
    object_type: str = ""
    object_id: UUID | None = None
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def condition(self) -> Q:
        """Return it as a condition on entries."""
        columns = {
            "actor_id": self.actor_id,
            "action": self.action,
            "object_type": self.object_type,
            "object_id": self.object_id,
            "outcome": self.outcome,
            "at__gte": self.since,
            "at__lt": self.until,
        }
        found = Q(**{name: value for name, value in columns.items() if value not in {None, ""}})
        return found & Q(acted_by(self.actor)) if self.actor else found

    def without(self, *names: str) -> Self:
        """Return it with some of its parts empty."""
        return replace(self, **{name: getattr(EVERYTHING, name) for name in names})


EVERYTHING: Final = EntryFilter()


def acted_by(text: str) -> Exists:
    """Return the condition that an entry's actor is called something with this text in it, in any case."""
    people = AuditPerson.objects.filter(entry=OuterRef("pk"), part=Part.ACTOR)
    return Exists(people.filter(fields__label__icontains=text))


def entries_page(
    organization_id: UUID, *, before: UUID | None = None, limit: int = 50, where: EntryFilter = EVERYTHING
) -> list[EntryView]:
    """List an organization's entries, newest first, those older than the entry `before`."""
    with scoping.organization(organization_id):
        entries = AuditEntry.objects.for_org(organization_id).filter(where.condition())
        return presented(entries, before=before, limit=limit)


def presented(entries: QuerySet[AuditEntry], *, before: UUID | None, limit: int) -> list[EntryView]:
    """Read a page of entries, newest first, in the scope of the caller."""
    if before is not None:
        entries = entries.filter(id__lt=before)
    return [present(entry) for entry in entries.prefetch_related("people").order_by("-id")[:limit]]


def object_types(organization_id: UUID) -> list[str]:
    """List what kinds of objects an organization's entries are about."""
    with scoping.organization(organization_id):
        found = AuditEntry.objects.for_org(organization_id).values_list("object_type", flat=True)
        return list(found.distinct().order_by("object_type"))


def present(entry: AuditEntry) -> EntryView:
    """Turn an entry, with its people fetched, into what is shown."""
    people = {person.part: person for person in entry.people.all()}
    actor, subject = people.get(Part.ACTOR.value), people.get(Part.SUBJECT.value)
    return EntryView(
        id=entry.id,
        organization_id=entry.organization_id,
        at=entry.at,
        actor_kind=entry.actor_kind,
        actor_id=entry.actor_id,
        actor=_value(actor, "label"),
        ip=_value(actor, "ip"),
        action=entry.action,
        sentence=presenters.sentence(entry.action, entry.changes),
        object_type=entry.object_type,
        object_id=entry.object_id,
        outcome=entry.outcome,
        subject=_value(subject, "email"),
        changes=changes_of(entry.changes),
    )


def _value(person: AuditPerson | None, name: str) -> str:
    return "" if person is None else person.value(name)
