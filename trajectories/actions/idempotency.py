"""Answering a repeated request once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from rlmlab import scoping
from rlmlab.errors import Conflict, Invalid
from rlmlab.tenancy.models import Organization, Project
from rlmlab.tenancy.principals import Principal
from trajectories.models import IdempotencyKey, Run

VALID_FOR: Final = timedelta(hours=24)
KEY_CHARACTERS: Final = 255
FORGOTTEN_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A key that the client chose, and the SHA-256 of the body it came with."""

    key: str
    fingerprint: str


def earlier_run(*, by: Principal, project: Project, request: IdempotentRequest) -> Run | None:
    """Return the run that the same request made in the last 24 hours; None where it is the first.

    Requests under one key wait for each other until the transaction ends, so that two at once make one run.

    Raises:
        Invalid: the key is empty or too long.
        Conflict: the key came with another body.
    """
    if not request.key.strip() or len(request.key) > KEY_CHARACTERS or not request.key.isprintable():
        raise Invalid.field("Idempotency-Key", f"must be 1 to {KEY_CHARACTERS} printable characters")
    with connection.cursor() as cursor:
        lock = f"{project.id}:{by.actor.kind}:{by.actor.id}:{request.key}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
    mine = IdempotencyKey.objects.for_org(by.organization).filter(
        project=project, actor_kind=by.actor.kind, actor_id=by.actor.id or scoping.PLATFORM, key=request.key
    )
    mine.filter(created_at__lt=_oldest()).delete()
    brought = mine.select_related("run__project", "run__prompt_version__prompt").defer("run__prompt_version__text")
    known = brought.first()
    if known is None:
        return None
    if known.fingerprint != request.fingerprint:
        raise Conflict("This Idempotency-Key was used for a request with another body.")
    return known.run


def forget_expired(organization: Organization) -> None:
    """Delete some keys that are too old to count, so that their table does not grow for ever.

    Those that another transaction holds are left to it: nobody waits for anybody here.
    """
    keys = IdempotencyKey.objects.for_org(organization)
    expired = keys.filter(created_at__lt=_oldest()).select_for_update(skip_locked=True).values_list("id", flat=True)
    keys.filter(id__in=list(expired[:FORGOTTEN_AT_ONCE])).delete()


def _oldest() -> datetime:
    return timezone.now() - VALID_FOR


def remember(*, by: Principal, run: Run, request: IdempotentRequest) -> None:
    """Keep which run the request made."""
    forget_expired(by.organization)
    IdempotencyKey.objects.create(
        organization=by.organization,
        project=run.project,
        actor_kind=by.actor.kind,
        actor_id=by.actor.id or scoping.PLATFORM,
        key=request.key,
        fingerprint=request.fingerprint,
        run=run,
        created_at=timezone.now(),
    )
