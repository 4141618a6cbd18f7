"""The one place where failures get HTTP numbers; bodies are `application/problem+json` (RFC 9457)."""

import json
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from rlmlab.errors import (
    Conflict,
    DomainError,
    FieldError,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    QuotaExceeded,
    TooLarge,
    TooManyRequests,
    Unavailable,
    UnsupportedMedia,
)
from rlmlab.tenancy.actions.sessions import record_refusal
from rlmlab.tenancy.principals import PermissionMissing

logger = logging.getLogger(__name__)

STATUS: Final[Mapping[type[DomainError], HTTPStatus]] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    QuotaExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
SIGN_IN: Final = "Send an API key as `Authorization: Bearer rlm_…`, or sign in."
PLACES: Final = {"body", "query", "path", "header", "cookie", "form", "file"}


def problem(status: HTTPStatus, detail: str, *, title: str = "", errors: Iterable[FieldError] = ()) -> HttpResponse:
    """Answer with a problem document."""
    body = {
        "type": "about:blank",
        "title": title or status.phrase,
        "status": status.value,
        "detail": detail,
        "errors": [{"field": error.field, "message": error.message} for error in errors],
    }
    response = HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def status_of(error: DomainError) -> HTTPStatus:
    """Return the number of a failure: its class's, or the nearest base's."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def on_domain_error(_request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer with the failure's own words."""
    return problem(status_of(error), error.detail, title=error.title, errors=error.errors)


def on_missing_permission(request: HttpRequest, error: PermissionMissing) -> HttpResponse:
    """Answer 403 and have the attempt recorded: the refused action's transaction is gone by now."""
    record_refusal(error, ip=request.META.get("REMOTE_ADDR"))
    return on_domain_error(request, error)


def on_validation_error(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Answer 422 and name each field as the client wrote it."""
    errors = wrong_fields(error)
    detail = "; ".join(f"{item.field}: {item.message}" for item in errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, title=Invalid.title, errors=errors)


def wrong_fields(error: ValidationError) -> list[FieldError]:
    """Name each wrong field as the client wrote it."""
    return [FieldError(_field(item["loc"]), str(item["msg"])) for item in error.errors]


def _field(location: tuple[Any, ...]) -> str:
    """Leave out where the field came from and the name of our own parameter that took it.

    Parameters of a query have that name only where they were taken together: then the next part is a name as well,
    where an item of a list has a number.
    """
    parts = list(location)
    if parts and parts[0] in PLACES:
        place, parts = parts[0], parts[1:]
        if (place == "body" and parts) or isinstance(next(iter(parts[1:]), None), str):
            parts = parts[1:]
    return ".".join(str(part) for part in parts) or "body"


def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer what the framework refuses: a body that is no JSON, a missing CSRF token."""
    if isinstance(error.__cause__, DomainError):  # the parser's own, which the framework wraps
        return on_domain_error(request, error.__cause__)
    status = HTTPStatus(error.status_code)
    detail = SIGN_IN if isinstance(error, AuthenticationError) else str(error)
    if status == HTTPStatus.BAD_REQUEST and error.__cause__ is not None:
        return problem(status, f"The body is not valid JSON: {error.__cause__}", errors=[FieldError("body", detail)])
    return problem(status, detail)


def on_too_big(_request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    """Answer 413."""
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is larger than RLMLAB_MAX_REQUEST_BYTES allows.")


def on_malformed_body(_request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer 400 to a body that is not what its headers say, or has more parts than anybody needs."""
    message = str(error) or "The body cannot be read."
    return problem(HTTPStatus.BAD_REQUEST, message, errors=[FieldError("body", message)])


def on_not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
    """Answer 404."""
    return problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")


def on_bug(_request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer 500 without a word of what went wrong; the log has it."""
    logger.error("a request failed", exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed; its log says why.")


HANDLERS: Final[dict[type[Exception], Any]] = {
    PermissionMissing: on_missing_permission,
    DomainError: on_domain_error,
    ValidationError: on_validation_error,
    HttpError: on_http_error,
    RequestDataTooBig: on_too_big,
    MultiPartParserError: on_malformed_body,
    SuspiciousOperation: on_malformed_body,
    Http404: on_not_found,
    Exception: on_bug,
}


def register(api: NinjaAPI) -> None:
    """Give every failure its answer; the nearest class decides."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)
