"""From a browser's request to whom it speaks for, and from a refusal to a page."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from rlmlab.errors import NotFound
from rlmlab.tenancy.actions.sessions import record_refusal
from rlmlab.tenancy.models import Project, User
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.queries import principal_for_user

P = ParamSpec("P")
ResponseT = TypeVar("ResponseT", bound=HttpResponseBase)
View = Callable[Concatenate[HttpRequest, Principal, P], ResponseT]


def user_of(request: HttpRequest) -> User:
    """Return who is signed in; only behind `login_required`."""
    return cast("User", request.user)


def show_project(request: HttpRequest, project: Project) -> None:
    """Make it the navigation's project, here and on the organization's pages that are about none."""
    request.project = project  # type: ignore[attr-defined]  # read by the navigation
    key = project_key(project.organization_id)
    if request.session.get(key) != project.slug:
        request.session[key] = project.slug


def project_key(organization_id: UUID) -> str:
    """Name where the session keeps the slug of the project that was looked at last."""
    return f"project:{organization_id}"


def member_page(view: View[P, ResponseT]) -> Callable[..., ResponseT]:
    """Give the view the signed-in member of the organization in the URL; refusals become 404 and 403 pages."""

    @login_required
    @wraps(view)
    def page(request: HttpRequest, organization: str, *args: P.args, **kwargs: P.kwargs) -> ResponseT:
        return refusing(request, lambda: _as_member(request, organization, view, *args, **kwargs))

    return page


def refusing(request: HttpRequest, work: Callable[[], ResponseT]) -> ResponseT:
    """Do the work of a view; what it may not do or cannot find becomes an error page, and refusals are recorded.

    Raises:
        Http404: there is no such object for this person.
        PermissionDenied: the role does not permit it.
    """
    try:
        return work()
    except NotFound as error:
        raise Http404(error.detail) from error
    except PermissionMissing as error:
        record_refusal(error, ip=request.META.get("REMOTE_ADDR"))
        raise PermissionDenied(error.detail) from error


def once(response: HttpResponse) -> HttpResponse:
    """Keep a page that may show a secret out of every cache."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _as_member(
    request: HttpRequest, organization: str, view: View[P, ResponseT], *args: P.args, **kwargs: P.kwargs
) -> ResponseT:
    principal = principal_for_user(user_of(request), organization)
    request.principal = principal  # type: ignore[attr-defined]  # read by the navigation
    return view(request, principal, *args, **kwargs)
