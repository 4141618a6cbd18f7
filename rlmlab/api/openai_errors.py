"""Failures in the form that clients of OpenAI's API read: `{"error": {message, type, param, code}}`.

Their SDKs send a request again after 408, 409, 429 and 5xx. `x-should-retry: false` keeps them from it where it would
start and pay for another run, or cannot help.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from rlmlab.api import errors
from rlmlab.api.schemas.openai import NotSupported
from rlmlab.errors import (
    Conflict,
    DomainError,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    QuotaExceeded,
    TooManyRequests,
)
from rlmlab.tenancy.actions.sessions import record_refusal
from rlmlab.tenancy.principals import PermissionMissing
from trajectories.models import Run
from trajectories.models.runs import FinishReason
from trajectories.requests import RunRequest

INVALID: Final = "invalid_request_error"
RUN_FAILED: Final = "run_failed"
NO_RETRY: Final = "x-should-retry"
KEY_WANTED: Final = "Send an API key as `Authorization: Bearer rlm_…`; see Settings, API keys."
CODES: Final[Mapping[type[DomainError], tuple[str, str | None]]] = {
    NotSupported: (INVALID, "unsupported_parameter"),
    Invalid: (INVALID, "invalid_value"),
    NotFound: (INVALID, "model_not_found"),
    NotAllowed: ("permission_error", "insufficient_permissions"),
    NotAuthenticated: ("authentication_error", "invalid_api_key"),
    Conflict: (INVALID, "idempotency_key_reused"),
    QuotaExceeded: ("insufficient_quota", "insufficient_quota"),
    TooManyRequests: ("rate_limit_error", "rate_limit_exceeded"),
    DomainError: (INVALID, None),
}
PARAMS: Final = {"task": "messages", "context": "messages", "seed": "seed", "response_schema": "response_format"}
"""Where a client's field is called otherwise than the run's; the run's others stand in `rlm`."""
ENDED: Final[Mapping[str, HTTPStatus]] = {
    FinishReason.BUDGET: HTTPStatus.UNPROCESSABLE_ENTITY,
    FinishReason.TIMEOUT: HTTPStatus.GATEWAY_TIMEOUT,
    FinishReason.ERROR: HTTPStatus.BAD_GATEWAY,
    FinishReason.CANCELLED: HTTPStatus.CONFLICT,
}
STATES: Final[Mapping[HTTPStatus, tuple[str, str | None]]] = {
    HTTPStatus.UNAUTHORIZED: ("authentication_error", "invalid_api_key"),
    HTTPStatus.NOT_FOUND: (INVALID, "unknown_url"),
    HTTPStatus.METHOD_NOT_ALLOWED: (INVALID, "method_not_supported"),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("server_error", "internal_error"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, as clients read it; `retry` false: the same again would not help, or cost once more."""

    message: str
    type: str = INVALID
    param: str | None = None
    code: str | None = None
    retry: bool = True

    @property
    def body(self) -> dict[str, Any]:
        """The answer's body."""
        detail = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": detail}


def answer(status: HTTPStatus, problem: Problem) -> HttpResponse:
    """Answer with a problem."""
    response = HttpResponse(json.dumps(problem.body), status=status, content_type="application/json")
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    if not problem.retry:
        response[NO_RETRY] = "false"
    return response


def plain(status: HTTPStatus, message: str) -> HttpResponse:
    """Answer with what the framework says."""
    kind, code = STATES.get(status, (INVALID, None))
    return answer(status, Problem(message, type=kind, code=code))


def problem_of_run(run: Run) -> tuple[HTTPStatus, Problem]:
    """Say why a run that has ended has no answer."""
    message = run.error_message or f"The run was {run.status} before it had an answer."
    code = run.error_code or run.finish_reason
    return ENDED[run.finish_reason], Problem(f"{message} (run {run.id})", type=RUN_FAILED, code=code, retry=False)


def param_of(error: DomainError) -> str | None:
    """Name the first wrong field as the client wrote it."""
    if isinstance(error, NotFound):
        return "model"
    field = next((wrong.field for wrong in error.errors), None)
    if field is None or isinstance(error, NotSupported):
        return field
    name, _, rest = field.partition(".")
    if name in PARAMS:
        return PARAMS[name]
    if name in RunRequest.__dataclass_fields__ or name == "budget":
        return f"rlm.{name}.{rest}" if rest else f"rlm.{name}"
    return field


def on_domain_error(_request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer with the failure's own words."""
    kind, code = next(CODES[base] for base in type(error).__mro__ if base in CODES)
    status = HTTPStatus.BAD_REQUEST if isinstance(error, Invalid) else errors.status_of(error)
    retry = not isinstance(error, Conflict | QuotaExceeded)
    return answer(status, Problem(error.detail, type=kind, param=param_of(error), code=code, retry=retry))


def on_missing_permission(request: HttpRequest, error: PermissionMissing) -> HttpResponse:
    """Answer 403 and have the attempt recorded: the refused action's transaction is gone by now."""
    record_refusal(error, ip=request.META.get("REMOTE_ADDR"))
    return on_domain_error(request, error)


def on_validation_error(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Answer 400 and name the first wrong field; the message names all of them."""
    found = errors.wrong_fields(error)
    unknown = next(
        (field for field, item in zip(found, error.errors, strict=True) if item["type"] == "extra_forbidden"), None
    )
    if unknown is not None:
        message = f"Unrecognized request argument supplied: {unknown.field}"
        return answer(HTTPStatus.BAD_REQUEST, Problem(message, param=unknown.field, code="unknown_parameter"))
    message = "; ".join(f"{item.field}: {item.message}" for item in found)
    return answer(HTTPStatus.BAD_REQUEST, Problem(message, param=found[0].field, code="invalid_value"))


def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer what the framework refuses: no key, a body that is no JSON."""
    if isinstance(error.__cause__, DomainError):  # the parser's own, which the framework wraps
        return on_domain_error(request, error.__cause__)
    if isinstance(error, AuthenticationError):
        return plain(HTTPStatus.UNAUTHORIZED, KEY_WANTED)
    return plain(HTTPStatus(error.status_code), f"{error}: {error.__cause__}" if error.__cause__ else str(error))


def on_other_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer any other failure with the status and the words that the rest of the API has for it."""
    found = next(errors.HANDLERS[base] for base in type(error).__mro__ if base in errors.HANDLERS)(request, error)
    return plain(HTTPStatus(found.status_code), json.loads(found.content)["detail"])


def register(api: NinjaAPI) -> None:
    """Give every failure its answer; the nearest class decides."""
    handlers: dict[type[Exception], Any] = {
        **dict.fromkeys(errors.HANDLERS, on_other_error),
        PermissionMissing: on_missing_permission,
        DomainError: on_domain_error,
        ValidationError: on_validation_error,
        HttpError: on_http_error,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)
