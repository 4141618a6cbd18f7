"""Pages of the runs that terms mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from rlmlab import scoping
from rlmlab.scoping.models import OrgQuerySet
from rlmlab.scoping.pages import Page, decode_cursor, newest_first
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.models import Run, SearchedRun
from trajectories.ratings import Verdict, verdicts_in
from trajectories.search.conditions import condition
from trajectories.search.facets import Facet, facets_in
from trajectories.search.grammar import Term

READ: Final = 2000
LARGE: Final = ("task", "answer", "response_schema")
"""Columns of a run that may hold a megabyte each; lists do not show them."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of runs, what their ratings come to, and what they can be filtered by."""

    page: Page[Run]
    verdicts: Mapping[UUID, Verdict]
    facets: Sequence[Facet]


def listing_of(
    principal: Principal, project: Project, terms: Sequence[Term], *, cursor: str, limit: int, with_facets: bool
) -> Listing:
    """Return a page of a project's runs, newest first, with all that their list shows.

    Raises:
        Invalid: the cursor cannot be read.
    """
    principal.require("run.view")
    with scoping.organization(principal.organization):
        page = page_of(project, terms, cursor=cursor, limit=limit)
        verdicts = verdicts_in(principal.organization_id, page.items)
        return Listing(page, verdicts, facets_in(project, terms) if with_facets else [])


def page_of(project: Project, terms: Sequence[Term], *, cursor: str, limit: int) -> Page[Run]:
    """Return up to `limit` runs, newest first, without their large columns; within a scope.

    Raises:
        Invalid: the cursor cannot be read.
    """
    found = searched_page(project, terms, cursor=cursor, limit=limit)
    runs = Run.objects.for_org(project.organization_id).filter(id__in=[row.id for row in found.items])
    rows = runs.shown().defer("prompt_version__text", *LARGE).order_by("-created_at", "-id")
    return Page(list(rows), found.next_cursor)


def searched_page(project: Project, terms: Sequence[Term], *, cursor: str, limit: int) -> Page[SearchedRun]:
    """Return up to `limit` runs, newest first, with their id and time only; within a scope.

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
