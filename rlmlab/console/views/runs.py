"""The list of a project's runs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from rlmlab.console.access import member_page, show_project
from rlmlab.errors import Invalid
from rlmlab.scoping.pages import Page
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.models import Run
from trajectories.queries import runs_page

PAGE = 50
FILTERS = [
    ("", "All"),
    ("status:running", "Running"),
    ("status:succeeded", "Succeeded"),
    ("status:failed", "Failed"),
    ("status:cancelled", "Cancelled"),
]


@require_safe
@vary_on_headers("HX-Request")
@member_page
def runs(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """List them, newest first; a request by htmx gets the rows alone."""
    found = project_by_slug(principal, project)
    show_project(request, found)
    query = request.GET.get("query", "").strip()
    page: Page[Run] = Page([], "")
    problem = ""
    try:
        page = runs_page(principal, found, query=query, cursor=request.GET.get("cursor", ""), limit=PAGE)
    except Invalid as error:
        problem = error.errors[0].message
    context = {
        "principal": principal,
        "project": found,
        "page": page,
        "query": query,
        "problem": problem,
        "filters": FILTERS,
        "launches": principal.can("run.create"),
    }
    template = "console/runs_rows.html" if request.headers.get("HX-Request") else "console/runs.html"
    return render(request, template, context, status=422 if problem else 200)
