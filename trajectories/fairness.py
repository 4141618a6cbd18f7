"""Which runs are worked on next, and taking them: the broker's message only says that there is something to take.

Runs whose worker fell silent come first. Then it is the turn of the organization with the fewest runs at work, of those
with equally many the one that was served longest ago; within it the highest priority goes first, then what waits
longest. So a thousand waiting runs of one organization cost another's single run one place at most.
"""

import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from rlmlab import scoping
from trajectories import leases
from trajectories.models import Run, Turn
from trajectories.models.runs import RunStatus
from trajectories.store import Holder

LOOKS: Final = 100
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
SELECT coalesce(working.runs, 0), organization.id, organization.max_concurrent_runs
FROM waiting
JOIN tenancy_organization AS organization ON organization.id = waiting.organization_id
LEFT JOIN working ON working.organization_id = organization.id
LEFT JOIN trajectories_turn AS turn ON turn.organization_id = organization.id
WHERE coalesce(working.runs < organization.max_concurrent_runs, true)
ORDER BY coalesce(working.runs, 0), turn.served_at NULLS FIRST, organization.id
"""


@dataclass(order=True, slots=True)
class _Waiting:
    """An organization that has runs waiting, as it stands in line; `place` is given when it comes or was served."""

    at_work: int
    place: int
    id: UUID
    limit: int | None

    @property
    def has_room(self) -> bool:
        return self.limit is None or self.at_work < self.limit


def claim_next(*, owner: str, places: int = 1, but_not: Collection[UUID] = ()) -> list[Holder]:
    """Take the runs whose turn it is, as many as there are places; none where there is nothing to take.

    `but_not` are runs that the caller works on: when the database was away for long, their leases have run out, and the
    next heartbeat prolongs them. Runs and turns that another worker holds at this moment are passed over.
    """
    with scoping.system("find the runs whose turn it is, among those of all organizations"):
        found = islice(_in_turn(but_not), places + LOOKS)
        claimed = (leases.claim(run_id=run_id, organization_id=of, owner=owner) for run_id, of in found)
        return list(islice((holder for holder in claimed if holder is not None), places))


def _in_turn(but_not: Collection[UUID]) -> Iterator[tuple[UUID, UUID]]:
    """Yield runs with their organizations, each locked; what is taken before the next is asked for counts."""
    yield from _abandoned(but_not)
    line = _organizations()
    places, served = count(len(line)), set[UUID]()
    while line:
        first = heapq.heappop(line)
        if first.id not in served and not _take_turn(first):
            continue
        served.add(first.id)
        run_id = _longest_waiting(first.id) if first.has_room else None
        if run_id is not None:
            yield run_id, first.id
            heapq.heappush(line, _Waiting(first.at_work + 1, next(places), first.id, first.limit))


def _abandoned(but_not: Collection[UUID]) -> Iterator[tuple[UUID, UUID]]:
    """Lock runs whose worker has not been heard of in time, one by one, the longest silent first."""
    seen = set(but_not)
    while True:
        silent = Run.objects.filter(status=RunStatus.RUNNING, lease_until__lt=Now()).exclude(id__in=seen)
        locked = silent.select_for_update(skip_locked=True, no_key=True).order_by("lease_until")
        found = locked.values_list("id", "organization_id").first()
        if found is None:
            return
        seen.add(found[0])
        yield found


def _longest_waiting(organization_id: UUID) -> UUID | None:
    """Lock the waiting run that goes first within its organization."""
    waiting = Run.objects.for_org(organization_id).filter(status=RunStatus.QUEUED)
    locked = waiting.select_for_update(skip_locked=True, no_key=True).order_by("-priority", "created_at", "id")
    return locked.values_list("id", flat=True).first()


def _organizations() -> list[_Waiting]:
    """Return the organizations with waiting runs and room for one more, in the order of their turns."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        return [_Waiting(at_work, place, *of) for place, (at_work, *of) in enumerate(cursor.fetchall())]


def _take_turn(waiting: _Waiting) -> bool:
    """Lock an organization's turn and note it; False: it has a limit, which another worker counts at this moment.

    Under the lock it is counted again, since another worker may have taken a run between.
    """
    turns = Turn.objects.for_org(waiting.id)
    locked = turns.select_for_update(skip_locked=True, no_key=True).values_list("id", flat=True)
    found = locked.first()
    if found is None and not turns.exists():
        Turn.objects.bulk_create([Turn(organization_id=waiting.id)], ignore_conflicts=True)
        found = locked.first()
    if found is None:
        return waiting.limit is None
    turns.filter(id=found).update(served_at=Now())
    if waiting.limit is not None:
        waiting.at_work = Run.objects.for_org(waiting.id).filter(status=RunStatus.RUNNING).count()
    return True
