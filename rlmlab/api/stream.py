"""The WebSocket of a run: a thin door to the hub."""

import asyncio
import logging
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.urls import path

from rlmlab.api import limits, open_streams
from rlmlab.api.auth import principal_of_key
from rlmlab.errors import Invalid, NotAllowed, NotAuthenticated, NotFound, TooManyRequests
from rlmlab.tenancy.models import User
from rlmlab.tenancy.principals import Principal
from trajectories import hub, queries
from trajectories.models import Run
from trajectories.stopping import stop

logger = logging.getLogger(__name__)

BAD_REQUEST: Final = 4400
NOT_AUTHENTICATED: Final = 4401
NOT_FOUND: Final = 4404
TOO_MANY: Final = 4429
ENDED: Final = 1000
FAILED: Final = 1011


class RunConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Sends one viewer the frames of one run; what the viewer sends is ignored."""

    channel_layer_alias = None  # the hub listens, once for all viewers

    async def connect(self) -> None:
        """Accept first, since only an open WebSocket can be closed with a reason."""
        self.sending: asyncio.Task[None] | None = None
        await self.accept()
        try:
            after = requested_after(self.scope)
            principal, run = await hub.in_pool(run_for_scope, self.scope)
            place = open_streams.take(principal)
        except Invalid:
            await self.close(BAD_REQUEST)
        except NotAuthenticated:
            await self.close(NOT_AUTHENTICATED)
        except (NotFound, NotAllowed):
            await self.close(NOT_FOUND)
        except TooManyRequests:
            await self.close(TOO_MANY)
        else:
            self.sending = asyncio.create_task(self.send_frames(run, after, place))

    async def disconnect(self, _code: int) -> None:
        """Stop following."""
        if self.sending is not None:
            await stop(self.sending)

    async def send_frames(self, run: Run, after: int, place: open_streams.Place) -> None:
        """Send the run's frames until it has ended."""
        try:
            start = min(after, run.last_seq)  # a number beyond is not of this run; what comes is sent all the same
            with place:
                async with aclosing(hub.follow(run.organization_id, run.id, start)) as frames:
                    async for frame in frames:
                        await self.send(frame.text)
        except Exception:
            logger.exception("following run %s failed", run.id)
            await self.close(FAILED)
        else:
            await self.close(ENDED)


def requested_after(scope: dict[str, Any]) -> int:
    """Return the number of the last event that the viewer has.

    Raises:
        Invalid: it is no number.
    """
    text = parse_qs(scope["query_string"].decode("latin-1")).get("after", ["0"])[0]
    if not (text.isascii() and text.isdigit()):
        raise Invalid.field("after", "must be a whole number")
    return int(text)


def run_for_scope(scope: dict[str, Any]) -> tuple[Principal, Run]:
    """Find who asks by a WebSocket, and the run that is asked for.

    Raises:
        NotAuthenticated: there is neither a valid key nor a session, or the page is another site's.
        NotFound: who asks has no such run.
        TooManyRequests: who asks opens them too often.
    """
    run_id: UUID = scope["url_route"]["kwargs"]["run_id"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        address = (scope.get("client") or [""])[0]
        principal = principal_of_key(key.strip(), address=address, admit=limits.refuse_excess)
        return principal, queries.run_for(principal, run_id)
    user = scope["user"]
    if not isinstance(user, User) or not is_own_origin(headers):
        raise NotAuthenticated("Sign in, or send an API key.")
    principal, run = queries.run_of_member(user, run_id)
    limits.refuse_excess(limits.count(principal))
    return principal, run


def is_own_origin(headers: dict[str, str]) -> bool:
    """Tell whether a page of ours opened the WebSocket.

    Browsers always send Origin; a client that sends none is no browser, so no page can have misled it.
    """
    origin = headers.get("origin")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


websocket_urlpatterns = [
    path("ws/runs/<uuid:run_id>/", AuthMiddlewareStack(RunConsumer.as_asgi())),
]
