"""Who asks: an API key, or a signed-in person who names the organization in `X-Organization`."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer
from ninja.security.apikey import APIKeyCookie
from ninja.utils import check_csrf

from rlmlab.api import limits
from rlmlab.errors import Invalid, NotAuthenticated, TooLarge
from rlmlab.tenancy.models import User
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import principal_for_key, principal_for_user

ORGANIZATION_HEADER: Final = "X-Organization"


class ApiRequest(HttpRequest):
    """A request that has passed authentication; `fingerprint` is the SHA-256 of a JSON body.

    `standing` is how the limit on its sender's requests stands, None where they are not counted.
    """

    auth: Principal
    fingerprint: str
    standing: limits.Standing | None


class KeyAuth(HttpBearer):
    """`Authorization: Bearer rlm_…`; a key belongs to one organization."""

    def authenticate(self, request: HttpRequest, token: str) -> Principal:
        """Find the key's principal.

        Raises:
            NotAuthenticated: the key is unknown or revoked.
            TooManyRequests: it comes too often, or too many wrong ones come from this address.
        """
        refuse_oversize(request)
        return principal_of_key(token, address=request.META.get("REMOTE_ADDR", ""), admit=partial(admit, request))


class SessionAuth(APIKeyCookie):
    """The browser's session: CSRF is checked, and the header `X-Organization` names the organization."""

    param_name = settings.SESSION_COOKIE_NAME

    def _get_key(self, request: HttpRequest) -> str | None:
        return request.COOKIES.get(self.param_name)

    def authenticate(self, request: HttpRequest, key: str | None) -> Principal | None:
        """Find the signed-in person's membership.

        Raises:
            HttpError: 403, the CSRF token is missing or wrong.
            Invalid: the header is missing.
            NotFound: the person is no member of such an organization.
            TooManyRequests: requests come too often.
        """
        user = request.user
        if key is None or not isinstance(user, User):
            return None
        if check_csrf(request) is not None:
            raise HttpError(HTTPStatus.FORBIDDEN, "The CSRF token is missing or wrong; send it as X-CSRFToken.")
        refuse_oversize(request)
        slug = request.headers.get(ORGANIZATION_HEADER, "")
        if not slug:
            raise Invalid.field(ORGANIZATION_HEADER, "this header must name the organization")
        principal = principal_for_user(user, slug)
        admit(request, limits.count(principal))
        return principal


def principal_of_key(key: str, *, address: str, admit: Callable[[limits.Standing | None], None]) -> Principal:
    """Return whom a key speaks for, and count its request or, where it is wrong, the attempt.

    Raises:
        NotAuthenticated: the key is unknown or revoked.
    """
    try:
        principal = principal_for_key(key)
    except NotAuthenticated:
        admit(limits.count_wrong_key(address))
        raise
    admit(limits.count(principal))
    return principal


def admit(request: HttpRequest, standing: limits.Standing | None) -> None:
    """Note on the request how its sender's limit stands, for the answer's headers, and refuse one too many.

    Raises:
        TooManyRequests: the limit is reached.
    """
    request.standing = standing  # type: ignore[attr-defined]
    limits.refuse_excess(standing)


def refuse_oversize(request: HttpRequest) -> None:
    """Refuse a request by its announced size, before its body is parsed.

    Raises:
        TooLarge: it is over the installation's limit.
    """
    limit = settings.RLMLAB.max_request_bytes
    announced = request.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge(f"The request has {int(announced):,} bytes; RLMLAB_MAX_REQUEST_BYTES allows {limit:,}.")
