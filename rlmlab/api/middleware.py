"""Gives what the framework says under /api/ the API's own form, and answers the state of their limits."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse

from rlmlab.api import openai_errors
from rlmlab.api.errors import problem
from rlmlab.api.limits import Standing

PREFIX: Final = "/api/"
OPENAI_PREFIX: Final = "/v1/"
DOCUMENTS: Final[Mapping[str, tuple[Callable[[HTTPStatus, str], HttpResponse], str]]] = {
    PREFIX: (problem, "application/problem+json"),
    OPENAI_PREFIX: (openai_errors.plain, "application/json"),
}
"""Below each prefix, how a failure is answered, and the content type by which such an answer is known."""
NOTHING_HERE: Final = "There is nothing at this address."
DETAILS: Final = {HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take this method."}


def nothing_here(request: HttpRequest) -> HttpResponse:
    """Answer an unknown address of the API."""
    answer, _ = DOCUMENTS[OPENAI_PREFIX if request.path.startswith(OPENAI_PREFIX) else PREFIX]
    return answer(HTTPStatus.NOT_FOUND, NOTHING_HERE)


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
    """Turns pages about failures, such as those about wrong methods, into the documents of the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Keep an answer that is in the API's form; of others, keep what they say to clients."""
        response = self.get_response(request)
        prefix = next((prefix for prefix in DOCUMENTS if request.path.startswith(prefix)), None)
        if prefix is None or response.status_code < HTTPStatus.BAD_REQUEST:
            return response
        document, content_type = DOCUMENTS[prefix]
        if response.headers.get("Content-Type", "").startswith(content_type):
            return response
        status = HTTPStatus(response.status_code)
        answer = document(status, DETAILS.get(status, status.phrase))
        if "Allow" in response.headers:
            answer["Allow"] = response["Allow"]
        return answer

    def process_view(self, request: HttpRequest, view: object, *_: object) -> HttpResponse | None:
        """Say that there is nothing before anybody asks for a CSRF token to find that out."""
        return nothing_here(request) if view is nothing_here else None
