"""Pages of the runs that terms mean; within a scope."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rlmlab.scoping.models import OrgQuerySet
from rlmlab.scoping.pages import Page, decode_cursor, newest_first
from rlmlab.tenancy.models import Project
from trajectories.models import SearchedRun
from trajectories.search.conditions import condition
from trajectories.search.grammar import Term

READ: Final = 2000


def searched_page(project: Project, terms: Sequence[Term], *, cursor: str, limit: int) -> Page[SearchedRun]:
    """Return up to `limit` runs, newest first, with their id and time only.

    For a text, the newest runs are read first: a common word fills a page from them, and a rare one is quickly fetched
    by its index from all the others. PostgreSQL cannot choose by itself, see `SearchedRun`.

    Raises:
        Invalid: the cursor cannot be read.
    """
    runs = SearchedRun.objects.for_org(project.organization_id).filter(project=project).only("created_at")
    if any(not term.key and not term.negated for term in terms):
        since = _end_of_reading(runs, cursor)
        read = runs.filter(condition(terms, project, read=True))
        page = newest_first(read if since is None else read.filter(created_at__gte=since), cursor=cursor, limit=limit)
        if page.next_cursor or since is None:
            return page
    return newest_first(runs.filter(condition(terms, project)), cursor=cursor, limit=limit)


def _end_of_reading(runs: OrgQuerySet[SearchedRun], cursor: str) -> datetime | None:
    """Return when the last of the runs that are read was made; None where these are all."""
    if cursor:
        runs = runs.filter(created_at__lte=decode_cursor(cursor)[0])
    times = runs.order_by("-created_at", "-id").values_list("created_at", flat=True)
    return next(iter(times[READ : READ + 1]), None)
