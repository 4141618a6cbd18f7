"""A project's prompts: their versions, what is different between them, and the history of their labels."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rlmlab.console.access import member_page, show_project
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.improvement import prompt_queries as queries
from trajectories.improvement.differences import CONTEXT, difference
from trajectories.improvement.prompt_figures import figures_of
from trajectories.improvement.prompt_queries import VersionView
from trajectories.improvement.prompts import composed, teaches_the_repl
from trajectories.models import Prompt, PromptLabel

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page about a prompt is: what its address names, and who looks."""

    principal: Principal
    project: Project
    prompt: Prompt

    def context(self) -> dict[str, Any]:
        """Return it for a template."""
        return {"principal": self.principal, "project": self.project, "prompt": self.prompt}


@require_safe
@member_page
def prompts(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """List a project's prompts."""
    found = project_by_slug(principal, project)
    show_project(request, found)
    page = queries.prompts_page(principal, found, limit=PAGE)
    return render(request, "console/prompts.html", {"principal": principal, "project": found, "page": page})


@require_safe
@member_page
def prompt(request: HttpRequest, principal: Principal, project: str, prompt: str) -> HttpResponse:
    """Show a version of a prompt: its text, how it differs from another, or how the prompt's labels were moved."""
    place = place_of(request, principal, project, prompt)
    production = queries.prompt_view(principal, place.prompt).production
    chosen = version_of(place, request.GET.get("version"), production or 1)
    versions, figures = _versions(request, place)
    shown = _shown(request)
    context = place.context() | {
        "chosen": chosen,
        "versions": [(view, figures[view.version.id]) for view in versions.items],
        "next": versions.next_cursor,
        "shown": shown,
        "other": chosen.version.number - 1 or 2,
        "several": chosen.version.number > 1 or len(versions.items) > 1,
        "edits": principal.can("prompt.edit"),
        "promotes": principal.can("prompt.promote"),
    }
    parts = {"text": _text, "changes": _changes, "history": _history}
    return render(request, "console/prompts_prompt.html", context | parts[shown](request, place, chosen))


def place_of(request: HttpRequest, principal: Principal, project: str, prompt: str) -> Place:
    """Find what an address names.

    Raises:
        NotFound: there is no such project or prompt.
    """
    found = project_by_slug(principal, project)
    show_project(request, found)
    return Place(principal, found, queries.prompt_for(principal, found, prompt))


def version_of(place: Place, number: str | None, otherwise: int) -> VersionView:
    """Find the version that a query names.

    Raises:
        NotFound: the prompt has no such version.
    """
    if number and not (number.isascii() and number.isdigit() and len(number) < 10):  # noqa: PLR2004  fits the column
        raise NotFound("There is no such version.")
    return queries.version_for(place.principal, place.prompt, int(number) if number else otherwise)


def _shown(request: HttpRequest) -> str:
    if request.GET.get("against"):
        return "changes"
    return "history" if request.GET.get("show") == "history" else "text"


def _versions(request: HttpRequest, place: Place) -> tuple[Any, Any]:
    try:
        page = queries.versions_page(place.principal, place.prompt, cursor=request.GET.get("versions", ""), limit=PAGE)
    except Invalid as error:
        raise NotFound(error.detail) from error
    return page, figures_of(place.principal, [view.version for view in page.items])


def _text(_request: HttpRequest, _place: Place, chosen: VersionView) -> dict[str, Any]:
    text = chosen.version.text
    return {"teaches": teaches_the_repl(text), "composed": composed(text)}


def _changes(request: HttpRequest, place: Place, chosen: VersionView) -> dict[str, Any]:
    against = version_of(place, request.GET.get("against"), 1)
    context = None if request.GET.get("lines") == "all" else CONTEXT
    return {
        "against": against,
        "difference": difference(against.version.text, chosen.version.text, context=context),
        "side": request.GET.get("side") == "1",
        "whole": context is None,
    }


def _history(request: HttpRequest, place: Place, _chosen: VersionView) -> dict[str, Any]:
    try:
        page = queries.promotions_page(place.principal, place.prompt, cursor=request.GET.get("cursor", ""), limit=PAGE)
    except Invalid as error:
        raise NotFound(error.detail) from error
    labels = queries.labels_of(place.principal, place.prompt)
    return {"page": page, "labels": labels, "undoable": _undoable(page.items, labels)}


def _undoable(moves: Any, labels: list[PromptLabel]) -> set[Any]:
    """Return the moves that a put back would undo: of each label that there is, the one that brought it where it is."""
    latest: dict[str, Any] = {}
    for view in moves:
        latest.setdefault(view.promotion.label, view.promotion)
    standing = {label.name: label.version_id for label in labels}
    return {row.id for name, row in latest.items() if row.from_version_id and standing.get(name) == row.to_version_id}
