"""Writing to the audit log."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.actors import Actor
from rlmlab.audit.models import AuditEntry, AuditPerson, Outcome, Part


@dataclass(frozen=True, slots=True)
class Subject:
    """The person an entry is about, with the fields that are personal; both are erasable."""

    id: UUID | None
    fields: Mapping[str, str]


def commitment(salt: str, fields: Mapping[str, str]) -> str:
    """Commit to personal fields: SHA-256 of the salt and the fields as JSON with sorted keys."""
    text = json.dumps(dict(fields), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{salt}:{text}".encode()).hexdigest()


def record(  # noqa: PLR0913  one argument a column; callers name each
    *,
    organization_id: UUID | None,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: UUID | None,
    changes: Mapping[str, Any],
    outcome: str = "ok",
    ip: str | None = None,
    subject: Subject | None = None,
) -> AuditEntry:
    """Write an entry in the current transaction; its link in the chain follows at commit.

    `organization_id` None stands for the installation itself. `changes` maps fields to values, or to
    `{"from": …, "to": …}`; it cannot be erased, so what is personal goes into `subject`.
    """
    organization_id = scoping.PLATFORM if organization_id is None else organization_id
    person = {"label": actor.label, **({"ip": ip} if ip else {})}
    people = [_person(Part.ACTOR, actor.id, person)]
    if subject is not None:
        people.append(_person(Part.SUBJECT, subject.id, subject.fields))
    with transaction.atomic():
        entry = AuditEntry.objects.create(
            organization_id=organization_id,
            actor_kind=actor.kind,
            actor_id=actor.id,
            action=action,
            object_type=object_type,
            object_id=object_id,
            outcome=Outcome(outcome),
            changes=dict(changes),
            actor_commitment=commitment(people[0].salt, people[0].fields),
            subject_commitment=commitment(people[1].salt, people[1].fields) if subject else "",
        )
        for row in people:
            row.entry = entry
            row.organization_id = organization_id
        AuditPerson.objects.bulk_create(people)
    return entry


def _person(part: Part, person_id: UUID | None, fields: Mapping[str, str]) -> AuditPerson:
    return AuditPerson(part=part, person_id=person_id, salt=secrets.token_hex(32), fields=dict(fields))


def record_attempt(  # noqa: PLR0913  one argument a column; callers name each
    *,
    organization_id: UUID | None,
    actor: Actor,
    action: str,
    outcome: Outcome,
    object_type: str,
    object_id: UUID | None = None,
    changes: Mapping[str, Any] | None = None,
    ip: str | None = None,
    subject: Subject | None = None,
) -> None:
    """Record what was denied or failed, in a transaction of its own.

    Call it after the failed action's transaction has rolled back, or the entry goes with it.
    """
    with scoping.organization(scoping.PLATFORM if organization_id is None else organization_id):
        record(
            organization_id=organization_id,
            actor=actor,
            action=action,
            object_type=object_type,
            object_id=object_id,
            changes=changes or {},
            outcome=outcome,
            ip=ip,
            subject=subject,
        )


def erase_person(*, person_id: UUID, by: Actor) -> int:
    """Empty a person's fields in every organization's log; return in how many entries. The chains stay whole."""
    with scoping.system("erase a person's fields from every audit chain"):
        count = AuditPerson.objects.filter(person_id=person_id, erased_at=None).update(
            salt="", fields={}, erased_at=timezone.now()
        )
        record(
            organization_id=None,
            actor=by,
            action="person.erase",
            object_type="user",
            object_id=person_id,
            changes={"entries": count},
        )
    return count
