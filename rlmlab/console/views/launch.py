"""The form that launches a run; its script sends the documented request of the REST interface."""

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from memory.queries import counts_of as memories_of
from memory.queries import pinned_memories
from rlmlab.console.access import member_page, show_project
from rlmlab.engine.types import Budget
from rlmlab.tenancy.limits import HIGHEST
from rlmlab.tenancy.models import EnvironmentName
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.improvement.examples import counts_of as examples_of
from trajectories.improvement.prompt_queries import labels_of, prompt_for, versions_page
from trajectories.models.prompts import SYSTEM_PROMPT
from trajectories.recent import default_model, model_names
from trajectories.tools import offers

PROMPT_VERSIONS = 50


@require_safe
@member_page
def launch(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """Show the form with the project's defaults."""
    principal.require("run.create")
    found = project_by_slug(principal, project)
    show_project(request, found)
    prompt = prompt_for(principal, found, SYSTEM_PROMPT)
    own = {name: getattr(found, name) for name in HIGHEST}
    context = {
        "principal": principal,
        "project": found,
        "default_model": default_model(found),
        "local_model": settings.RLMLAB.local_model,
        "environments": EnvironmentName.choices,
        "prompt_labels": labels_of(principal, prompt),
        "prompt_versions": versions_page(principal, prompt, limit=PROMPT_VERSIONS),
        "examples": examples_of(principal, found)["active"],
        "memories": memories_of(principal, found)["active"],
        "pinned": len(pinned_memories(organization_id=principal.organization_id, project_id=found.id)),
        "models": model_names(principal, found),
        "tools": offers(found),
        "budget": replace(Budget(), **{name: value for name, value in own.items() if value is not None}),
        "caps": principal.organization.budget_caps(),
    }
    return render(request, "console/launch.html", context)
