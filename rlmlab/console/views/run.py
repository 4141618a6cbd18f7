"""The page of one run."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from rlmlab.console.access import refusing, show_project, user_of
from trajectories.improvement.examples import example_of
from trajectories.lineage import lineage_of
from trajectories.media import content, headers_of, media_input
from trajectories.queries import demo_check_of, run_of_member
from trajectories.ratings import verdicts_of


@require_safe
@login_required
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show the run as it stands; the page's script brings the rest and what happens next."""
    return refusing(request, lambda: _page(request, run_id))


@require_safe
@login_required
def run_media(request: HttpRequest, run_id: UUID, sha256: str) -> HttpResponse:
    """Give out an image or a sound among the run's inputs, for the run's page to show."""
    return refusing(request, lambda: _media(request, run_id, sha256))


def _media(request: HttpRequest, run_id: UUID, sha256: str) -> HttpResponse:
    _, found = run_of_member(user_of(request), run_id)
    entry = media_input(found, sha256)
    return HttpResponse(content(entry), headers=headers_of(entry))


def _page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    principal, found = run_of_member(user_of(request), run_id)
    request.principal = principal  # type: ignore[attr-defined]  # read by the navigation
    show_project(request, found.project)
    context = {
        "principal": principal,
        "project": found.project,
        "run": found,
        "check": demo_check_of(found),
        "now": timezone.now(),
        "cancels": principal.can("run.cancel"),
        "starts": principal.can("run.create"),
        "origin_id": str(found.id),
        "lineage": lineage_of(principal, found),
        "caps": principal.organization.budget_caps(),
        "rates": principal.can("run.rate"),
        "makes_examples": principal.can("example.manage"),
        "adds_items": found.is_terminal and principal.can("dataset.manage"),
        "verdict": verdicts_of(principal, [found]).get(found.id),
        "example": example_of(principal, found),
    }
    return render(request, "console/run.html", context)
