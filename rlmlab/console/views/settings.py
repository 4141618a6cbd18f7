"""An organization's settings: members, API keys, the audit log."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rlmlab.audit.queries import entries_page
from rlmlab.console.access import member_page
from rlmlab.console.forms.refused import show_refusal
from rlmlab.console.forms.settings import KeyForm, MemberForm, RoleForm
from rlmlab.errors import Conflict, Invalid
from rlmlab.tenancy.actions import keys as key_actions
from rlmlab.tenancy.actions import members as member_actions
from rlmlab.tenancy.models import Role
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import keys_of, members_of

AUDIT_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def members(request: HttpRequest, principal: Principal) -> HttpResponse:
    """List members; add one. A new account's password is shown in this answer and never again."""
    form = MemberForm(request.POST or None)
    added = None
    if request.method == "POST" and form.is_valid():
        try:
            added = member_actions.add_member(by=principal, **form.cleaned_data)
            form = MemberForm()
        except Invalid as error:
            show_refusal(form, error)
    context = {
        "principal": principal,
        "members": members_of(principal),
        "roles": Role.choices,
        "form": form,
        "added": added,
    }
    return _once(render(request, "console/members.html", context, status=422 if form.errors else 200))


@require_POST
@member_page
def change_member(request: HttpRequest, principal: Principal, membership_id: UUID) -> HttpResponse:
    """Give a member another role, or end the membership."""
    form = RoleForm(request.POST)
    try:
        if not form.is_valid():
            messages.error(request, "There is no such role.")
        elif form.cleaned_data["role"]:
            member_actions.change_role(by=principal, membership_id=membership_id, role=form.cleaned_data["role"])
        else:
            member_actions.remove_member(by=principal, membership_id=membership_id)
    except Conflict as error:
        messages.error(request, error.detail)
    return redirect("members", principal.organization.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def keys(request: HttpRequest, principal: Principal) -> HttpResponse:
    """List API keys; make one. Its text is shown in this answer and never again."""
    form = KeyForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        try:
            made = key_actions.create_key(by=principal, **form.cleaned_data)
            form = KeyForm()
        except Invalid as error:
            show_refusal(form, error)
    context = {"principal": principal, "keys": keys_of(principal), "form": form, "made": made}
    return _once(render(request, "console/keys.html", context, status=422 if form.errors else 200))


@require_POST
@member_page
def revoke_key(request: HttpRequest, principal: Principal, key_id: UUID) -> HttpResponse:
    """Revoke a key for good."""
    key = key_actions.revoke_key(by=principal, key_id=key_id)
    messages.success(request, f"The key “{key.label}” is revoked.")
    return redirect("keys", principal.organization.slug)


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


def _once(response: HttpResponse) -> HttpResponse:
    """Keep a page that may show a secret out of every cache."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
