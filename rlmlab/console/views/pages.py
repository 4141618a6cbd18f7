"""Pages that stand for themselves."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rlmlab.console.templatetags.console import STATUSES


@require_safe
@login_required
def components(request: HttpRequest) -> HttpResponse:
    """Show every component once, in its states."""
    return render(request, "console/components.html", {"statuses": list(STATUSES)})
