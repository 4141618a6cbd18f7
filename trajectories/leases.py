"""Who works on which run: claimed by one worker, kept alive by its heartbeat, taken over when it falls silent.

All times are the database's, so that workers need not agree on theirs. `fence` grows with each claim, and every write
carries it, so that a worker that was only slow can write nothing any more.
"""

import os
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Now

from rlmlab import scoping
from trajectories import queue
from trajectories.models import Run, Span
from trajectories.models.runs import RunStatus
from trajectories.store import Holder

SWEPT_AT_ONCE: Final = 200
WAITED_PARTS: Final = 10  # a waiting run's message is sent again after a tenth of the time it has waited
_CLAIMED: Final = ("organization_id", "fence", "status", "takeovers", "takeover_progress")
# locked in order, since what stores events locks several runs too
_BEAT: Final = """
WITH mine AS (
    SELECT id FROM trajectories_run WHERE id = ANY(%s) AND lease_owner = %s AND status = 'running'
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE trajectories_run AS run SET lease_until = clock_timestamp() + make_interval(secs => %s)
FROM mine WHERE run.id = mine.id
RETURNING run.id, run.fence, run.cancel_requested, run.pause_requested
"""
MOST_TAKEOVERS: Final = 5
"""So many workers may die in a row of a run that makes no progress."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A lease that was prolonged: its fence, and what was asked of the run meanwhile."""

    fence: int
    cancel_requested: bool
    pause_requested: bool


def owner_name() -> str:
    """Name this process as the owner of leases: host, process id, and chance, since process ids come again."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


def claim(*, run_id: UUID, organization_id: UUID, owner: str) -> Holder | None:
    """Take a run that waits or whose worker fell silent; None where there is nothing to take.

    A run that another claims at this moment is passed over and not waited for.
    """
    with scoping.organization(organization_id):
        takeable = Q(status=RunStatus.QUEUED) | Q(status=RunStatus.RUNNING, lease_until__lt=Now())
        rows = Run.objects.for_org(organization_id).filter(takeable, id=run_id)
        found = rows.select_for_update(skip_locked=True, no_key=True).only(*_CLAIMED).first()
        if found is None:
            return None
        Run.objects.for_org(organization_id).filter(id=run_id).update(
            status=RunStatus.RUNNING,
            lease_owner=owner,
            lease_until=Now() + timedelta(seconds=settings.RLMLAB.lease_seconds),
            fence=F("fence") + 1,
            started_at=Coalesce("started_at", Now()),
            **_takeover(found),
        )
    return Holder(run_id, organization_id, owner, found.fence + 1)


def _takeover(run: Run) -> dict[str, int]:
    """Count the workers that a run lost in a row without getting anywhere."""
    if run.status != RunStatus.RUNNING:
        return {"takeovers": 0}
    progress = Span.objects.for_org(run.organization_id).filter(run=run, status="ok").count()
    further = progress > run.takeover_progress
    return {"takeovers": 1 if further else run.takeovers + 1, "takeover_progress": progress}


def pause(holder: Holder) -> None:
    """Let a run go that stands still now, until somebody resumes it; at once where somebody did meanwhile."""
    with scoping.organization(holder.organization_id):
        asked = holder.rows().select_for_update(no_key=True).values_list("pause_requested", flat=True).first()
        if asked is None:
            return
        free = {"lease_owner": "", "lease_until": None, "takeovers": 0, "pause_requested": False}
        if asked:
            holder.rows().update(status=RunStatus.PAUSED, **free)
            return
        holder.rows().update(status=RunStatus.QUEUED, queued_at=Now(), enqueued_at=_long_ago(), **free)
        queue.enqueue(run_id=holder.run_id, organization_id=holder.organization_id)


def beat(*, owner: str, run_ids: Iterable[UUID]) -> dict[UUID, Beat]:
    """Prolong the leases of a worker's runs; return those that are still its own."""
    with scoping.system("prolong the leases of one worker's runs"), connection.cursor() as cursor:
        cursor.execute(_BEAT, [list(run_ids), owner, settings.RLMLAB.lease_seconds])
        return {run_id: Beat(*rest) for run_id, *rest in cursor.fetchall()}


def give_up(holder: Holder) -> None:
    """Let another worker have a run now, and wake one."""
    with scoping.organization(holder.organization_id):
        back = {"status": RunStatus.QUEUED, "lease_owner": "", "lease_until": None}
        if holder.rows().update(**back, queued_at=Now(), enqueued_at=_long_ago()):
            queue.enqueue(run_id=holder.run_id, organization_id=holder.organization_id)


def sweep() -> int:
    """Wake workers for runs whose lease ran out and for waiting ones whose message got lost; return how many.

    A run is woken at most once in a lease's length, and the longer it has waited already, the more seldom: what waits
    behind a long queue is not lost, and its repetitions would fill the broker.
    """
    stale = Now() - timedelta(seconds=settings.RLMLAB.lease_seconds)
    patient = ExpressionWrapper(Now() - (Now() - F("queued_at")) / WAITED_PARTS, DateTimeField())
    expired = Q(status=RunStatus.RUNNING, lease_until__lt=Now())
    queued = Q(status=RunStatus.QUEUED, enqueued_at__lt=patient)
    with scoping.system("wake workers for runs that nobody works on"):
        waiting = Run.objects.filter(expired | queued, enqueued_at__lt=stale)
        found = waiting.select_for_update(skip_locked=True, no_key=True).order_by("enqueued_at")
        runs = list(found.values_list("id", "organization_id")[:SWEPT_AT_ONCE])
        Run.objects.filter(id__in=[run_id for run_id, _ in runs]).update(enqueued_at=Now())
        for run_id, organization_id in runs:
            queue.enqueue(run_id=run_id, organization_id=organization_id)
    return len(runs)


def _long_ago() -> CombinedExpression:
    """Let the next sweep send the message again: the broker may hand the first to the worker that just went away."""
    return Now() - timedelta(seconds=2 * settings.RLMLAB.lease_seconds)


def expire_dead() -> int:
    """End the leases of workers of this host whose process is gone, and wake others; return how many."""
    with scoping.system("end the leases of workers that died on this host"):
        mine = Run.objects.filter(status=RunStatus.RUNNING, lease_owner__startswith=f"{socket.gethostname()[:60]}:")
        owners = {owner for owner in mine.values_list("lease_owner", flat=True).distinct() if not _lives(owner)}
        dead = mine.filter(lease_owner__in=owners).select_for_update(skip_locked=True, no_key=True)
        runs = list(dead.values_list("id", "organization_id"))
        rows = Run.objects.filter(id__in=[run_id for run_id, _ in runs])
        rows.update(lease_until=Now() - timedelta(seconds=1), enqueued_at=_long_ago())
        for run_id, organization_id in runs:
            queue.enqueue(run_id=run_id, organization_id=organization_id)
    return len(runs)


def _lives(owner: str) -> bool:
    """Tell whether the process of a lease's owner is there; a zombie is not."""
    try:
        status = Path(f"/proc/{owner.split(':')[1]}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
