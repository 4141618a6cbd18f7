"""An organization's API keys."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from rlmlab.console.access import member_page, once
from rlmlab.console.forms.refused import show_refusal
from rlmlab.console.forms.settings import KeyForm
from rlmlab.errors import Invalid
from rlmlab.tenancy.actions import keys as key_actions
from rlmlab.tenancy.permissions import grantable
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import keys_of


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def keys(request: HttpRequest, principal: Principal) -> HttpResponse:
    """List API keys; make one. Its text is shown in this answer and never again."""
    roles = grantable(principal.role)
    form = KeyForm(request.POST or None, roles=roles)
    made = None
    if request.method == "POST" and form.is_valid():
        try:
            made = key_actions.create_key(by=principal, **form.cleaned_data)
            form = KeyForm(roles=roles)
        except Invalid as error:
            show_refusal(form, error)
    context = {"principal": principal, "keys": keys_of(principal), "grantable": roles, "form": form, "made": made}
    return once(render(request, "console/keys.html", context, status=422 if form.errors else 200))


@require_POST
@member_page
def revoke_key(request: HttpRequest, principal: Principal, key_id: UUID) -> HttpResponse:
    """Revoke a key for good."""
    key = key_actions.revoke_key(by=principal, key_id=key_id)
    messages.success(request, f"The key “{key.label}” is revoked.")
    return redirect("keys", principal.organization.slug)
