"""Gives what the framework says under /api/ the API's own form, and answers the state of their limits."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse

from rlmlab.api.errors import problem
from rlmlab.api.limits import Standing

PREFIX: Final = "/api/"
PROBLEM: Final = "application/problem+json"
NOTHING_HERE: Final = "There is nothing at this address."
DETAILS: Final = {HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take this method."}


def nothing_here(_request: HttpRequest) -> HttpResponse:
    """Answer an unknown address of the API."""
    return problem(HTTPStatus.NOT_FOUND, NOTHING_HERE)


class RateLimitFields:
    """Tells whoever was counted by the authentication how the limit stands."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the fields to the answer."""
        response = self.get_response(request)
        standing: Standing | None = getattr(request, "standing", None)
        for name, value in standing.headers.items() if standing is not None else ():
            response.headers[name] = value
        return response


class ProblemDocuments:
    """Turns pages about failures, such as those about wrong methods, into problem documents."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Keep an answer that is in the API's form; of others, keep what they say to clients."""
        response = self.get_response(request)
        if not request.path.startswith(PREFIX) or response.status_code < HTTPStatus.BAD_REQUEST:
            return response
        if response.headers.get("Content-Type", "").startswith(PROBLEM):
            return response
        status = HTTPStatus(response.status_code)
        answer = problem(status, DETAILS.get(status, status.phrase))
        if "Allow" in response.headers:
            answer["Allow"] = response["Allow"]
        return answer

    def process_view(self, request: HttpRequest, view: object, *_: object) -> HttpResponse | None:
        """Say that there is nothing before anybody asks for a CSRF token to find that out."""
        return nothing_here(request) if view is nothing_here else None
