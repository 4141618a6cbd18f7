"""The form that forks a run; its script shows what is shared and sends the documented request of the REST interface."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from rlmlab.console.access import refusing, show_project, user_of
from rlmlab.tenancy.models import EnvironmentName
from trajectories.improvement.prompt_queries import labels_of, prompt_for, versions_page
from trajectories.models.prompts import SYSTEM_PROMPT
from trajectories.queries import run_of_member
from trajectories.recent import model_names

PROMPT_VERSIONS = 50


@require_safe
@login_required
def fork(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show the form; `at` in the query names the last event that is shared."""
    return refusing(request, lambda: _page(request, run_id))


def _page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    principal, found = run_of_member(user_of(request), run_id)
    request.principal = principal  # type: ignore[attr-defined]  # read by the navigation
    principal.require("run.create")
    show_project(request, found.project)
    prompt = prompt_for(principal, found.project, SYSTEM_PROMPT)
    context = {
        "principal": principal,
        "project": found.project,
        "run": found,
        "at": request.GET.get("at", ""),
        "now": timezone.now(),
        "environments": EnvironmentName.choices,
        "models": model_names(principal, found.project),
        "prompt_labels": labels_of(principal, prompt),
        "prompt_versions": versions_page(principal, prompt, limit=PROMPT_VERSIONS),
        "caps": principal.organization.budget_caps(),
    }
    return render(request, "console/fork.html", context)
