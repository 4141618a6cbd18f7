"""An organization's audit log."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rlmlab.audit.queries import entries_page
from rlmlab.console.access import member_page
from rlmlab.tenancy.principals import Principal

AUDIT_PAGE = 50


@require_safe
@member_page
def audit(request: HttpRequest, principal: Principal) -> HttpResponse:
    """List who did what, newest first."""
    principal.require("audit.view")
    found = entries_page(principal.organization_id, before=_uuid(request.GET.get("before")), limit=AUDIT_PAGE + 1)
    context = {
        "principal": principal,
        "entries": found[:AUDIT_PAGE],
        "next": found[AUDIT_PAGE - 1].id if len(found) > AUDIT_PAGE else "",
    }
    return render(request, "console/audit.html", context)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
