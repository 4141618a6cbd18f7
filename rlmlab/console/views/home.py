"""Where a person lands."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from rlmlab.console.access import member_page, user_of
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import memberships_of, projects_page


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Go to the only organization there is, else to their list."""
    memberships = memberships_of(user_of(request))
    if len(memberships) == 1:
        return redirect("organization", memberships[0].organization.slug)
    return redirect("organizations")


@require_safe
@login_required
def organizations(request: HttpRequest) -> HttpResponse:
    """List the organizations one belongs to; the navigation has them."""
    return render(request, "console/organizations.html")


@require_safe
@member_page
def organization(request: HttpRequest, principal: Principal) -> HttpResponse:  # noqa: ARG001  given by Django
    """Go to the runs of its only project, else to its projects."""
    projects = projects_page(principal, limit=2)
    if len(projects) == 1:
        return redirect("runs", principal.organization.slug, projects[0].slug)
    return redirect("projects", principal.organization.slug)
