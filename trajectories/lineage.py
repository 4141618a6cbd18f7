"""Where a run comes from, and what came from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count

from rlmlab import scoping
from rlmlab.scoping.models import OrgQuerySet
from rlmlab.scoping.pages import DEFAULT_LIMIT, Page, newest_first
from rlmlab.tenancy.principals import Principal
from trajectories.models import Run, Span
from trajectories.models.runs import Origin
from trajectories.search.pages import LARGE

NAMED: Final = 20
"""Of the runs that came from one, as many stand on its page; the others are listed."""
_COUNTED: Final = {Origin.FORK: ("fork", "forks"), Origin.RETRY: ("retry", "retries"), Origin.CONTINUE: ("went on", "")}


@dataclass(frozen=True, slots=True)
class Lineage:
    """A run's place among those that share its events.

    `origin` None: it comes from no other run, or from one that is gone. `step` is the root's last step that is shared
    at least in part; 0 where none is. `counts` are kinds of descendants with how many there are, `newest` some of them.
    """

    origin: Run | None
    step: int
    counts: Sequence[tuple[str, int]]
    newest: Sequence[Run]

    @property
    def summary(self) -> str:
        """Tell how many came from it: "2 forks, 1 retry"."""
        return ", ".join(_counted(kind, count) for kind, count in self.counts)


def lineage_of(principal: Principal, run: Run) -> Lineage:
    """Return where a run of the principal's organization comes from, and what came from it."""
    principal.require("run.view")
    with scoping.organization(principal.organization):
        runs = Run.objects.for_org(principal.organization)
        origin = runs.only("title").filter(id=run.origin_run_id).first() if run.origin_run_id else None
        step = 0
        if origin is not None:
            steps = Span.objects.for_org(principal.organization).filter(run=origin, kind="step", depth=0, attempt=1)
            step = steps.filter(first_seq__lte=run.origin_seq).count()
        came = runs.filter(origin_run_id=run.id).exclude(origin=Origin.NONE)
        counted = came.order_by("origin").values_list("origin").annotate(count=Count("id"))
        newest = came.only("title", "origin", "status", "created_at").order_by("-created_at", "-id")[:NAMED]
        return Lineage(origin, step, list(counted), list(newest))


def descendants_page(principal: Principal, run: Run, *, cursor: str = "", limit: int = DEFAULT_LIMIT) -> Page[Run]:
    """List the runs that share a run's first events, newest first, without their large columns.

    Raises:
        Invalid: the cursor cannot be read.
    """
    principal.require("run.view")
    with scoping.organization(principal.organization):
        return newest_first(_came_from(principal, run), cursor=cursor, limit=limit)


def _came_from(principal: Principal, run: Run) -> OrgQuerySet[Run]:
    found = Run.objects.for_org(principal.organization).shown().defer("prompt_version__text", *LARGE)
    return found.filter(origin_run_id=run.id).exclude(origin=Origin.NONE)


def _counted(kind: str, count: int) -> str:
    one, many = _COUNTED[Origin(kind)]
    return f"{count} {one if count == 1 or not many else many}"
