"""Few-shot examples of a project: the list, one example as prompts get it, and retiring it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from rlmlab.console.access import member_page, show_project
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.scoping.pages import Page
from rlmlab.tenancy.authors import names_of
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.actions import examples as actions
from trajectories.improvement import examples as queries
from trajectories.models import Example

PAGE = 50


@require_safe
@vary_on_headers("HX-Request")
@member_page
def examples(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """List them, newest first; a request by htmx gets the rows alone."""
    found = _project(request, principal, project)
    query, retired = request.GET.get("query", "").strip(), request.GET.get("status") == "retired"
    page: Page[Example] = Page([], "")
    problem = ""
    try:
        cursor = request.GET.get("cursor", "")
        page = queries.examples_page(principal, found, query=query, retired=retired, cursor=cursor, limit=PAGE)
    except Invalid as error:
        problem = error.errors[0].message
    counts = queries.counts_of(principal, found)
    raters = [(example.rating.rater_actor, example.rating.rater_id) for example in page.items]
    names = names_of(principal.organization, raters)
    context = {
        "principal": principal,
        "project": found,
        "items": [(example, names[rater]) for example, rater in zip(page.items, raters, strict=True)],
        "next_cursor": page.next_cursor,
        "query": query,
        "status": "retired" if retired else "active",
        "filters": [("active", "Active", counts["active"]), ("retired", "Retired", counts["retired"])],
        "problem": problem,
    }
    template = "examples/rows.html" if request.headers.get("HX-Request") else "examples/examples.html"
    return render(request, template, context, status=422 if problem else 200)


@require_safe
@member_page
def example(request: HttpRequest, principal: Principal, project: str, example_id: UUID) -> HttpResponse:
    """Show one with the text that prompts get, the judgement behind it and the runs that were given it."""
    found = _example(request, principal, project, example_id)
    maker = (found.created_by_kind, found.created_by_id)
    rater = (found.rating.rater_actor, found.rating.rater_id)
    names = names_of(principal.organization, [maker, rater])
    context = {
        "principal": principal,
        "project": found.project,
        "example": found,
        "maker": names[maker],
        "rater": names[rater],
        "uses": queries.uses_of(principal, found),
        "manages": principal.can("example.manage"),
        "active": found if found.retired_at is None else queries.example_of(principal, found.run),
    }
    return render(request, "examples/example.html", context)


@require_POST
@member_page
def retire_example(request: HttpRequest, principal: Principal, project: str, example_id: UUID) -> HttpResponse:
    """Give it to no further run; its page offers to make it again."""
    found = _example(request, principal, project, example_id)
    actions.retire_example(by=principal, example_id=found.id)
    messages.success(request, "Retired: no further run gets it.")
    return redirect("example", principal.organization.slug, project, found.id)


@require_POST
@member_page
def renew_example(request: HttpRequest, principal: Principal, project: str, example_id: UUID) -> HttpResponse:
    """Make the example of its run again, from what the run is rated now."""
    found = _example(request, principal, project, example_id)
    try:
        found = actions.make_example(by=principal, run=found.run)
    except Conflict as error:
        messages.error(request, error.detail)
    return redirect("example", principal.organization.slug, project, found.id)


def _project(request: HttpRequest, principal: Principal, slug: str) -> Project:
    found = project_by_slug(principal, slug)
    show_project(request, found)
    return found


def _example(request: HttpRequest, principal: Principal, slug: str, example_id: UUID) -> Example:
    found = queries.example_for(principal, example_id)
    if found.project_id != _project(request, principal, slug).id:
        raise NotFound(f"There is no example {example_id} in this project.")
    return found
