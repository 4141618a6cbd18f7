"""Counting of links that lead nowhere, by the same means as failed sign-ins: ten from an address close the door."""

from typing import Final

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from django.http import HttpRequest, HttpResponse

_CREDENTIALS: Final = {"username": "(invitation)"}


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to an address that has tried too many links; None where it may try."""
    if AxesProxyHandler.is_allowed(request, _CREDENTIALS):
        return None
    response: HttpResponse = get_lockout_response(request, credentials=_CREDENTIALS)
    return response


def note_failure(request: HttpRequest) -> None:
    """Count a link that leads nowhere."""
    AxesProxyHandler.user_login_failed(sender=__name__, credentials=_CREDENTIALS, request=request)
