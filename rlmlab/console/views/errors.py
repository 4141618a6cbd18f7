"""Error pages, for people."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

TEXTS = {
    400: ("This request could not be read", "Go back and try again. If it keeps happening, the link may be broken."),
    403: (
        "You may not do this here",
        "Your role in this organization does not permit it. An owner can change it.",
    ),
    404: (
        "There is nothing here",
        "It does not exist, or it belongs to an organization that you are not a member of.",
    ),
    500: (
        "Something went wrong on our side",
        "It has been logged. Your runs are not affected: they go on in the worker.",
    ),
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  given by Django
    """400."""
    return _page(400)


def denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  given by Django
    """403, with the permission that is missing."""
    return _page(403, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  given by Django
    """404; the same for what does not exist and for what is somebody else's."""
    return _page(404)


def failed(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  given by Django
    """500."""
    return _page(500)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  for the log, not for people
    """403 of a form whose token is missing or old."""
    return _page(403, "The form was too old or came from elsewhere. Go back, reload the page and try again.")


def _page(code: int, detail: str = "") -> HttpResponse:
    """Render without the request: no navigation, no database, nothing that could fail once more."""
    title, text = TEXTS[code]
    context = {"code": code, "phrase": HTTPStatus(code).phrase, "title": title, "text": detail or text}
    return HttpResponse(render_to_string("console/error.html", context), status=code)
