"""What a project's runs start from."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from rlmlab.console.access import member_page, show_project
from rlmlab.console.forms.project_settings import ProjectSettingsForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.errors import Invalid
from rlmlab.tenancy.actions.projects import configure_project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.actions.cache import empty_cache as forget_answers
from trajectories.queries import cached_answers
from trajectories.recent import model_names


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def project_settings(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """Show the settings; change them."""
    found = project_by_slug(principal, project)
    principal.require("project.configure")
    show_project(request, found)
    usual = settings.RLMLAB.default_model or settings.RLMLAB.local_model
    form = ProjectSettingsForm(found, principal.organization, request.POST or None, model=usual)
    if request.method == "POST" and form.is_valid():
        try:
            configure_project(by=principal, project=found, changes=form.cleaned_data)
        except Invalid as error:
            show_refusal(form, error)
        else:
            messages.success(request, "The settings are saved; runs that are launched from now on start from them.")
            return redirect("project_settings", principal.organization.slug, found.slug)
    context = {
        "principal": principal,
        "project": found,
        "form": form,
        "models": model_names(principal, found),
        "cached": cached_answers(principal),
    }
    return render(request, "console/project_settings.html", context, status=422 if form.errors else 200)


@require_POST
@member_page
def empty_cache(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """Forget what the organization's cache of sub-calls holds."""
    found = project_by_slug(principal, project)
    removed = forget_answers(by=principal)
    messages.success(request, f"The cache is empty: {removed} answers are forgotten.")
    return redirect("project_settings", principal.organization.slug, found.slug)
