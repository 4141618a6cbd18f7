"""Where a person lands."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from rlmlab.console.access import member_page, user_of
from rlmlab.console.charts import bars
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import memberships_of
from trajectories.usage import overview_of


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
def organization(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show its projects, runs and cost at a glance."""
    found = overview_of(principal)
    counts, costs = [day.runs for day in found.days], [day.cost_usd for day in found.days]
    run_bars = bars(counts, [day.failed for day in found.days])
    context = {
        "principal": principal,
        "overview": found,
        "days": list(zip(found.days, run_bars, bars(costs), strict=True)),
        "most_runs": max(counts),
        "highest_usd": max(costs),
        "launches": principal.can("run.create"),
        "creates": principal.can("project.create"),
    }
    return render(request, "console/overview.html", context)
