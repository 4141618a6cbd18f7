"""Reads of runs, events and spans; each opens the scope it needs."""

from collections.abc import Iterable
from uuid import UUID

from rlmlab import scoping
from rlmlab.errors import NotFound
from rlmlab.scoping.pages import DEFAULT_LIMIT, Page
from rlmlab.tenancy.models import Project, User
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import member_principal, memberships_of
from trajectories.models import CachedAnswer, DemoCheck, Event, Run, Span
from trajectories.record import stored
from trajectories.search.grammar import parse
from trajectories.search.pages import page_of
from trajectories.wire import StoredEvent


def run_for(principal: Principal, run_id: UUID) -> Run:
    """Return a run of the principal's organization, with its project.

    Raises:
        NotFound: the organization has no such run.
    """
    principal.require("run.view")
    with scoping.organization(principal.organization):
        run = Run.objects.for_org(principal.organization).shown().filter(id=run_id).first()
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    return run


def run_titles(principal: Principal, run_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return what runs of the principal's organization are called; those that are gone are left out."""
    principal.require("run.view")
    with scoping.organization(principal.organization):
        found = Run.objects.for_org(principal.organization).filter(id__in=set(run_ids))
        return dict(found.values_list("id", "title"))


def run_of_member(user: User, run_id: UUID) -> tuple[Principal, Run]:
    """Return a run of one of a person's organizations, and the person as its member.

    Raises:
        NotFound: none of them has such a run.
    """
    memberships = {membership.organization_id: membership for membership in memberships_of(user)}
    with scoping.system("find a run among the organizations that a person belongs to"):
        found = Run.objects.filter(id=run_id, organization_id__in=memberships)
        run = found.shown().select_related("organization").first()
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    principal = member_principal(user, memberships[run.organization_id])
    principal.require("run.view")
    return principal, run


def runs_page(
    principal: Principal, project: Project, *, query: str = "", cursor: str = "", limit: int = DEFAULT_LIMIT
) -> Page[Run]:
    """List a project's runs, newest first, those that a query of `trajectories.search` means.

    They come without their task, answer and response schema, each of which may be a megabyte.

    Raises:
        Invalid: query or cursor cannot be read.
    """
    principal.require("run.view")
    terms = parse(query)
    with scoping.organization(principal.organization):
        return page_of(project, terms, cursor=cursor, limit=limit)


def events_page(run: Run, *, after: int = 0, limit: int = DEFAULT_LIMIT) -> list[StoredEvent]:
    """Return up to `limit` events of a run behind the number `after`, in order."""
    return events_after(run.organization_id, run.id, after=after, limit=limit)


def events_after(organization_id: UUID, run_id: UUID, *, after: int, limit: int) -> list[StoredEvent]:
    """Return up to `limit` events behind the number `after`, in order; the one query behind every reader."""
    with scoping.organization(organization_id):
        return stored(Event.objects.for_org(organization_id).filter(run_id=run_id, seq__gt=after), limit)


def head_of(organization_id: UUID, run_id: UUID) -> tuple[int, bool]:
    """Return the number of a run's last event and whether no more will come: it has ended, or was purged."""
    with scoping.organization(organization_id):
        run = Run.objects.for_org(organization_id).only("last_seq", "status").filter(id=run_id).first()
    return (run.last_seq, run.is_terminal) if run is not None else (0, True)


def spans_of(run: Run, *, after: int = 0, limit: int | None = None) -> list[Span]:
    """Return a run's spans in the order of their start, those that started behind the event `after`."""
    with scoping.organization(run.organization_id):
        rows = Span.objects.for_org(run.organization_id).filter(run=run, first_seq__gt=after).order_by("first_seq")
        return list(rows[:limit])


def demo_check_of(run: Run) -> DemoCheck | None:
    """Return what plain code says about a demo run's answer; None for other runs."""
    with scoping.organization(run.organization_id):
        return DemoCheck.objects.for_org(run.organization_id).filter(run=run).first()


def demo_checks(principal: Principal, project: Project) -> list[DemoCheck]:
    """List the checks of a project's demo runs, newest first."""
    principal.require("run.view")
    with scoping.organization(principal.organization):
        found = DemoCheck.objects.for_org(principal.organization).filter(run__project=project)
        return list(found.order_by("-created_at"))


def cached_answers(principal: Principal) -> int:
    """Count the answers in the organization's cache of sub-calls."""
    principal.require("run.view")
    with scoping.organization(principal.organization):
        return CachedAnswer.objects.for_org(principal.organization).count()
