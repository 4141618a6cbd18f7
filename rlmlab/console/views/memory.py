"""What a project remembers across its runs: the list, and one memory with its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from memory import actions, queries
from memory.models import Memory, MemoryChange, Status
from rlmlab.console.access import member_page, show_project
from rlmlab.console.forms.memory import MemoryForm, TextForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.scoping.pages import Page
from rlmlab.tenancy.authors import names_of
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.improvement.differences import Difference, difference
from trajectories.queries import run_titles

PAGE = 50
WORDS: Final = {
    "remember": "kept",
    "edit": "edited",
    "pin": "pinned",
    "unpin": "unpinned",
    "forget": "forgotten",
    "restore": "brought back",
    "erase": "erased for good",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A memory with where it comes from: the run that kept it (`title` empty: it is gone), else a person."""

    memory: Memory
    title: str
    author: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change with who made it, and what it did to the text; None: it left the text alone."""

    change: MemoryChange
    words: str
    author: str
    text: Difference | None


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@member_page
def memories(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """List memories, those that are pinned first; keep a new one. A request by htmx gets the rows alone."""
    found = memory_project(request, principal, project)
    form = MemoryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            kept = actions.add_memory(by=principal, project=found, **form.cleaned_data)
        except Invalid as error:
            show_refusal(form, error)
        else:
            return redirect(f"{request.path}?{'kept' if kept.created else 'same'}={kept.memory.id}")
    return _list(request, principal, found, form)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def memory(request: HttpRequest, principal: Principal, project: str, memory_id: UUID) -> HttpResponse:
    """Show one memory with its history; edit it."""
    found = memory_of(principal, memory_project(request, principal, project), memory_id)
    form = TextForm(request.POST or None, initial={"text": found.text})
    if request.method == "POST" and form.is_valid():
        try:
            actions.edit_memory(by=principal, memory_id=memory_id, text=form.cleaned_data["text"])
        except Invalid as error:
            show_refusal(form, error)
        except Conflict as error:
            return memory_page(request, principal, found, form, problem=error.detail)
        else:
            return redirect(request.path)
    return memory_page(request, principal, found, form)


def memory_of(principal: Principal, project: Project, memory_id: UUID) -> Memory:
    """Return a memory of the project in the URL.

    Raises:
        NotFound: it is another's, or there is none.
    """
    found = queries.memory_for(principal, memory_id)
    if found.project_id != project.id:
        raise NotFound(f"There is no memory {memory_id} in this project.")
    return found


def memory_page(
    request: HttpRequest, principal: Principal, found: Memory, form: TextForm, *, problem: str = ""
) -> HttpResponse:
    """Render one memory; `problem` says why something could not be done to it."""
    context = {
        "principal": principal,
        "project": found.project,
        "item": _shown(principal, [found])[0],
        "changes": _changes(principal, found),
        "form": form,
        "problem": problem,
        "manages": principal.can("memory.manage"),
    }
    return render(request, "memory/memory.html", context, status=422 if form.errors else 409 if problem else 200)


def memory_project(request: HttpRequest, principal: Principal, slug: str) -> Project:
    """Return the project in the URL, and make it the navigation's."""
    found = project_by_slug(principal, slug)
    show_project(request, found)
    return found


def _list(request: HttpRequest, principal: Principal, project: Project, form: MemoryForm) -> HttpResponse:
    query, status = request.GET.get("query", "").strip(), request.GET.get("status", Status.ACTIVE)
    cursor = request.GET.get("cursor", "")
    found = queries.Listing([], Page([], ""), dict.fromkeys(Status.values, 0))
    problem = ""
    try:
        found = queries.listing(principal, project, query=query, status=status, cursor=cursor, limit=PAGE)
    except Invalid as error:
        problem = error.errors[0].message
    context = {
        "principal": principal,
        "project": project,
        "items": _shown(principal, [*found.pinned, *found.page.items]),
        "next_cursor": found.page.next_cursor,
        "query": query,
        "status": status,
        "filters": [(value, label, found.counts[value]) for value, label in Status.choices],
        "total": sum(found.counts.values()),
        "problem": problem,
        "form": form,
        "manages": principal.can("memory.manage"),
        "said": _said(request, principal, project),
    }
    template = "memory/rows.html" if request.headers.get("HX-Request") else "memory/memories.html"
    return render(request, template, context, status=422 if problem or form.errors else 200)


def _said(request: HttpRequest, principal: Principal, project: Project) -> tuple[str, Memory] | None:
    """Return what just happened to which memory, as the URL says; None where it says nothing that is so."""
    for what in ("forgotten", "kept", "same"):
        try:
            found = memory_of(principal, project, UUID(request.GET[what]))
        except (KeyError, ValueError, NotFound):
            continue
        if (what == "forgotten") == (found.status == Status.FORGOTTEN):
            return what, found
    return None


def _shown(principal: Principal, memories: Sequence[Memory]) -> list[Shown]:
    """Say where memories come from, in two queries."""
    authors = [(memory.created_by_kind, memory.created_by_id) for memory in memories]
    names = names_of(principal.organization, authors)
    titles = run_titles(principal, [memory.source_run_id for memory in memories if memory.source_run_id])
    return [
        Shown(memory, titles.get(memory.source_run_id, "") if memory.source_run_id else "", names[author])
        for memory, author in zip(memories, authors, strict=True)
    ]


def _changes(principal: Principal, memory: Memory) -> list[Change]:
    """List what happened, newest first, each with what it did to the text that was there before."""
    changes = queries.changes_of(principal, memory)
    authors = [(change.actor_kind, change.actor_id) for change in changes]
    names = names_of(principal.organization, authors)
    before = [change.text for change in changes[1:]] + [""]
    return [
        Change(
            change,
            WORDS[change.action],
            names[author],
            difference(old, change.text) if change.action == "edit" and old else None,
        )
        for change, author, old in zip(changes, authors, before, strict=True)
    ]
