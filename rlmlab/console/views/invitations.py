"""Where an invitation's link leads.

The link holds a secret, so it is taken out of the address at once: a signed cookie carries its digest to the page that
is shown. Neither the page's address nor a Referer has it then; `rlmlab.asgi` keeps it out of the access log.
"""

from datetime import timedelta
from typing import Final

from allauth.account.utils import perform_login
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from rlmlab.console.access import once
from rlmlab.console.forms.people import JoinForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.errors import Conflict, Invalid, NotAllowed, NotFound
from rlmlab.tenancy import attempts
from rlmlab.tenancy.actions.invitations import accept_invitation, accept_with_new_account
from rlmlab.tenancy.models import Invitation, User
from rlmlab.tenancy.queries import has_account, invitation_by_digest, is_member

COOKIE: Final = "rlmlab-invitation"
LASTS: Final = timedelta(hours=1)


@require_safe
def invitation(request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG001  given by Django
    """Hand the link's digest on; whether it is valid, only the page says that has no secret in its address."""
    page = reverse("accept_invitation")
    response = redirect(page)
    response.set_signed_cookie(
        COOKIE,
        Invitation.digest(token),
        max_age=LASTS,
        path=page,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return once(response)


@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest) -> HttpResponse:
    """Show the invitation to whoever came by its link, and let them join."""
    refused = attempts.refusal(request)
    if refused is not None:
        return refused
    digest = request.get_signed_cookie(COOKIE, "", max_age=LASTS) or ""
    try:
        found = invitation_by_digest(digest)
        return once(_answered(request, found))
    except NotFound:
        if digest:
            attempts.note_failure(request)
        return once(render(request, "console/invitation_invalid.html", status=404))


def _answered(request: HttpRequest, found: Invitation) -> HttpResponse:
    if isinstance(request.user, User):
        return _as_person(request, found, request.user)
    if has_account(found.email):
        return _shown(request, found, "sign_in")
    return _as_stranger(request, found)


def _as_person(request: HttpRequest, found: Invitation, user: User) -> HttpResponse:
    if user.email != found.email:
        return _shown(request, found, "other", status=403 if request.method == "POST" else 200)
    if is_member(user, found.organization_id):
        return _shown(request, found, "member")
    if request.method != "POST":
        return _shown(request, found, "join")
    try:
        accept_invitation(by=user, digest=found.token_hash)
    except (NotAllowed, Conflict):
        return redirect("accept_invitation")  # somebody was faster; the page says what is so now
    return _joined(redirect("organization", found.organization.slug))


def _as_stranger(request: HttpRequest, found: Invitation) -> HttpResponse:
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, password = form.cleaned_data["name"], form.cleaned_data["password"]
        try:
            membership = accept_with_new_account(digest=found.token_hash, name=name, password=password)
        except Invalid as error:
            show_refusal(form, error)
        else:
            page = reverse("organization", args=[found.organization.slug])
            return _joined(perform_login(request, membership.user, redirect_url=page))
    return _shown(request, found, "sign_up", form=form, status=422 if form.errors else 200)


def _shown(
    request: HttpRequest, found: Invitation, standing: str, *, form: JoinForm | None = None, status: int = 200
) -> HttpResponse:
    context = {"invitation": found, "standing": standing, "form": form}
    return render(request, "console/invitation.html", context, status=status)


def _joined(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(COOKIE, path=reverse("accept_invitation"), samesite="Lax")
    return response
