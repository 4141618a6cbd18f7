"""An organization's audit log."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from rlmlab.audit.presenters import registered_actions
from rlmlab.audit.queries import EntryView
from rlmlab.console.access import member_page
from rlmlab.console.forms.audit import AuditForm
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import audit_page, audited_types, verify_audit

AUDIT_PAGE = 50
PRESETS = ((1, "Today"), (7, "7 days"), (30, "30 days"))


@require_safe
@member_page
def audit(request: HttpRequest, principal: Principal) -> HttpResponse:
    """List who did what, newest first, as far as the filter in the address means it."""
    return _page(request, principal)


@require_POST
@member_page
def verify(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Check the organization's chain, and say so above the list."""
    return _page(request, principal, report=verify_audit(principal))


def _page(request: HttpRequest, principal: Principal, **more: Any) -> HttpResponse:
    form = AuditForm(request.GET, actions=sorted(registered_actions()), types=audited_types(principal))
    found: list[EntryView] = []
    if form.is_valid():
        before = _uuid(request.GET.get("before"))
        found = audit_page(principal, before=before, limit=AUDIT_PAGE + 1, where=form.where())
    filters = {name: value for name, value in request.GET.items() if name in form.fields and value}
    today = timezone.now().date()
    context = {
        "principal": principal,
        "form": form,
        "filters": filters,
        "presets": [((today - timedelta(days=days - 1)).isoformat(), label) for days, label in PRESETS],
        "entries": found[:AUDIT_PAGE],
        "next": found[AUDIT_PAGE - 1].id if len(found) > AUDIT_PAGE else "",
        **more,
    }
    return render(request, "console/audit.html", context, status=422 if form.errors else 200)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
