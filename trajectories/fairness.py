"""Which run is worked on next, and taking it: the broker's message only says that there is something to take.

Runs whose worker fell silent come first. Then it is the turn of the organization with the fewest runs at work, of those
with equally many the one that was served longest ago; within it the highest priority goes first, then what waits
longest. So a thousand waiting runs of one organization cost another's single run one place at most.
"""

from collections.abc import Collection, Iterator
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from rlmlab import scoping
from trajectories import leases
from trajectories.models import Run, Turn
from trajectories.models.runs import RunStatus
from trajectories.store import Holder

REFUSALS: Final = 20
# The recursion steps from organization to organization in the index of waiting runs: its cost grows with the number of
# organizations that wait, not with that of their runs. Of the runs at work there are as many as workers have places.
_WAITING: Final = """
WITH RECURSIVE waiting (organization_id) AS (
    (SELECT organization_id FROM trajectories_run WHERE status = 'queued' ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT run.organization_id FROM trajectories_run AS run
        WHERE run.status = 'queued' AND run.organization_id > waiting.organization_id
        ORDER BY run.organization_id LIMIT 1
    ) FROM waiting WHERE waiting.organization_id IS NOT NULL
), working AS (
    SELECT organization_id, count(*) AS runs FROM trajectories_run WHERE status = 'running' GROUP BY organization_id
)
SELECT organization.id, organization.max_concurrent_runs
FROM waiting
JOIN tenancy_organization AS organization ON organization.id = waiting.organization_id
LEFT JOIN working ON working.organization_id = organization.id
LEFT JOIN trajectories_turn AS turn ON turn.organization_id = organization.id
WHERE coalesce(working.runs < organization.max_concurrent_runs, true)
ORDER BY coalesce(working.runs, 0), turn.served_at NULLS FIRST, organization.id
"""


def claim_next(*, owner: str, but_not: Collection[UUID] = ()) -> Holder | None:
    """Take the run whose turn it is; None where there is nothing to take.

    `but_not` are runs that the caller works on: when the database was away for long, their leases have run out, and the
    next heartbeat prolongs them. Runs and turns that another worker holds at this moment are passed over.
    """
    for _ in range(REFUSALS):
        with scoping.system("find the run whose turn it is, among those of all organizations"):
            found = _abandoned(but_not) or _next_waiting()
            if found is None:
                return None
            run_id, organization_id = found
            holder = leases.claim(run_id=run_id, organization_id=organization_id, owner=owner)
            if holder is not None:
                return holder
    return None


def _abandoned(but_not: Collection[UUID]) -> tuple[UUID, UUID] | None:
    """Lock a run whose worker has not been heard of in time, the longest silent first."""
    silent = Run.objects.filter(status=RunStatus.RUNNING, lease_until__lt=Now()).exclude(id__in=but_not)
    locked = silent.select_for_update(skip_locked=True, no_key=True).order_by("lease_until")
    return locked.values_list("id", "organization_id").first()


def _next_waiting() -> tuple[UUID, UUID] | None:
    """Lock the waiting run whose turn it is, and end its organization's turn."""
    for organization_id, limit in _organizations():
        turn = _turn(organization_id)
        if limit is not None and (turn is None or _at_work(organization_id) >= limit):
            continue
        waiting = Run.objects.for_org(organization_id).filter(status=RunStatus.QUEUED)
        locked = waiting.select_for_update(skip_locked=True, no_key=True).order_by("-priority", "created_at", "id")
        run_id = locked.values_list("id", flat=True).first()
        if run_id is not None:
            if turn is not None:
                Turn.objects.for_org(organization_id).filter(id=turn).update(served_at=Now())
            return run_id, organization_id
    return None


def _organizations() -> Iterator[tuple[UUID, int | None]]:
    """Yield the organizations with waiting runs and room for one more, in their turns' order, each with its limit."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        yield from cursor.fetchall()


def _turn(organization_id: UUID) -> UUID | None:
    """Lock an organization's turn; None where another worker is taking one of its runs at this moment."""
    turns = Turn.objects.for_org(organization_id)
    locked = turns.select_for_update(skip_locked=True, no_key=True).values_list("id", flat=True)
    found = locked.first()
    if found is None and not turns.exists():
        Turn.objects.bulk_create([Turn(organization_id=organization_id)], ignore_conflicts=True)
        found = locked.first()
    return found


def _at_work(organization_id: UUID) -> int:
    """Count again under the lock: another worker may have taken one between."""
    return Run.objects.for_org(organization_id).filter(status=RunStatus.RUNNING).count()
