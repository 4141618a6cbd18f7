"""An organization's members and invitations."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from rlmlab.console.access import member_page, once
from rlmlab.console.forms.refused import show_refusal
from rlmlab.console.forms.settings import InvitationForm, RoleForm
from rlmlab.errors import Conflict, Invalid
from rlmlab.tenancy.actions import invitations as invitation_actions
from rlmlab.tenancy.actions import members as member_actions
from rlmlab.tenancy.actions.invitations import NewInvitation
from rlmlab.tenancy.models import Role
from rlmlab.tenancy.permissions import CAPABILITIES, grantable
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import invitations_of, members_of


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def members(request: HttpRequest, principal: Principal) -> HttpResponse:
    """List members and open invitations; invite. The link is shown in this answer and never again."""
    roles = grantable(principal.role)
    form = InvitationForm(request.POST or None, roles=roles)
    made = None
    if request.method == "POST" and form.is_valid():
        try:
            made = invitation_actions.invite(by=principal, **form.cleaned_data)
            form = InvitationForm(roles=roles)
        except Invalid as error:
            show_refusal(form, error)
    return _page(request, principal, form, made)


@require_POST
@member_page
def renew_invitation(request: HttpRequest, principal: Principal, invitation_id: UUID) -> HttpResponse:
    """Make a new link, shown in this answer and never again; the old one ends."""
    made = invitation_actions.renew_invitation(by=principal, invitation_id=invitation_id)
    return _page(request, principal, InvitationForm(roles=grantable(principal.role)), made)


@require_POST
@member_page
def revoke_invitation(request: HttpRequest, principal: Principal, invitation_id: UUID) -> HttpResponse:
    """Take an invitation back."""
    invitation = invitation_actions.revoke_invitation(by=principal, invitation_id=invitation_id)
    messages.success(request, f"The invitation for {invitation.email} is taken back.")
    return redirect("members", principal.organization.slug)


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


def _page(
    request: HttpRequest, principal: Principal, form: InvitationForm, made: NewInvitation | None = None
) -> HttpResponse:
    context = {
        "principal": principal,
        "members": members_of(principal),
        "invitations": invitations_of(principal),
        "grantable": grantable(principal.role),
        "roles": Role,
        "capabilities": [(item.text, [item.of(role) for role in Role]) for item in CAPABILITIES],
        "form": form,
        "made": made,
        "link": made and request.build_absolute_uri(reverse("invitation", args=[made.token])),
    }
    return once(render(request, "console/members.html", context, status=422 if form.errors else 200))
