"""Reads of memories: what a run is told, what people see."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from memory.models import Memory, MemoryChange, Status
from rlmlab import scoping
from rlmlab.errors import Invalid, NotFound
from rlmlab.scoping.fulltext import words_of
from rlmlab.scoping.pages import DEFAULT_LIMIT, Page, newest_first
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal

RECALLED: Final = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A memory and how well it fits; only those of one search compare."""

    memory: Memory
    score: float


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a project's memories, what stands in front of it, and how many there are by status."""

    pinned: list[Memory]
    page: Page[Memory]
    counts: dict[str, int]


def recall(*, organization_id: UUID, project_id: UUID, query: str, limit: int) -> list[Found]:
    """Return the memories of a project that share words with a query, best first, and count that they were used.

    Of two that fit equally well, the newer comes first.
    """
    wanted = words_of(query)
    if wanted is None or limit < 1:
        return []
    with scoping.organization(organization_id):
        rows = Memory.objects.for_org(organization_id).filter(
            project_id=project_id, status=Status.ACTIVE, search=wanted.either
        )
        ranked = rows.annotate(score=wanted.rank())
        found = [
            Found(memory, memory.score) for memory in ranked.order_by("-score", "-created_at")[: min(limit, RECALLED)]
        ]
        used = Memory.objects.for_org(organization_id).filter(pk__in=[item.memory.pk for item in found])
        used.update(uses=F("uses") + 1, last_used_at=Now())
    return found


def pinned_memories(*, organization_id: UUID, project_id: UUID) -> list[Memory]:
    """Return what every run of a project that uses memory is shown, oldest first."""
    with scoping.organization(organization_id):
        return _pinned(organization_id, project_id)


def memories_page(
    principal: Principal,
    project: Project,
    *,
    query: str = "",
    status: str = Status.ACTIVE,
    cursor: str = "",
    limit: int = DEFAULT_LIMIT,
) -> Page[Memory]:
    """List a project's memories, newest first; a query keeps those that have any of its words.

    Raises:
        Invalid: the status or the cursor cannot be read.
    """
    principal.require("memory.view")
    condition = _condition(query, status)
    with scoping.organization(principal.organization):
        rows = _all(principal).filter(condition, project=project)
        return newest_first(rows, cursor=cursor, limit=limit)


def listing(principal: Principal, project: Project, *, query: str, status: str, cursor: str, limit: int) -> Listing:
    """List memories as people look at them: where nothing is searched, what is pinned stands first, and only there.

    Raises:
        Invalid: the status or the cursor cannot be read.
    """
    principal.require("memory.view")
    condition = _condition(query, status) & Q(project=project)
    apart = status == Status.ACTIVE and not query.strip()
    with scoping.organization(principal.organization):
        rows = _all(principal).filter(condition & Q(pinned=False) if apart else condition)
        page = newest_first(rows, cursor=cursor, limit=limit)
        pinned = _pinned(principal.organization_id, project.id) if apart and not cursor else []
        return Listing(pinned, page, _counts(principal, project))


def memory_for(principal: Principal, memory_id: UUID) -> Memory:
    """Return a memory of the principal's organization.

    Raises:
        NotFound: it has no such memory.
    """
    principal.require("memory.view")
    with scoping.organization(principal.organization):
        memory = _all(principal).filter(pk=memory_id).first()
    if memory is None:
        raise NotFound(f"There is no memory {memory_id}.")
    return memory


def changes_of(principal: Principal, memory: Memory) -> list[MemoryChange]:
    """List what happened to a memory, newest first."""
    principal.require("memory.view")
    with scoping.organization(principal.organization):
        rows = MemoryChange.objects.for_org(principal.organization).filter(memory=memory)
        return list(rows.order_by("-at", "-id")[:DEFAULT_LIMIT])


def counts_of(principal: Principal, project: Project) -> dict[str, int]:
    """Count a project's memories by status."""
    principal.require("memory.view")
    with scoping.organization(principal.organization):
        return _counts(principal, project)


def _condition(query: str, status: str) -> Q:
    if status not in Status.values:
        raise Invalid.field("status", f'"{status}" is not a status; use {", ".join(Status.values)}')
    condition = Q(status=status)
    if query.strip() and (wanted := words_of(query)) is not None:
        condition &= Q(search=wanted.either)
    return condition


def _pinned(organization_id: UUID, project_id: UUID) -> list[Memory]:
    rows = Memory.objects.for_org(organization_id).filter(project_id=project_id, pinned=True)
    return list(rows.order_by("created_at", "id"))


def _counts(principal: Principal, project: Project) -> dict[str, int]:
    rows = Memory.objects.for_org(principal.organization).filter(project=project)
    found = dict(rows.values_list("status").annotate(Count("id")))
    return {status: found.get(status, 0) for status in Status.values}


def _all(principal: Principal) -> QuerySet[Memory]:
    return Memory.objects.for_org(principal.organization).select_related("project").defer("search")
