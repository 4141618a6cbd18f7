"""The ASGI application: HTTP by Django, WebSockets by Channels."""

import os
import re
import sys
from functools import partial
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rlmlab.settings")
http = get_asgi_application()

from rlmlab.api.backpressure import patient  # noqa: E402
from rlmlab.api.stream import websocket_urlpatterns  # noqa: E402 - models need Django set up first

daphne: Any = sys.modules.get("daphne.http_protocol")
if daphne is not None:
    # Under Daphne, Twisted would parse each form before Django does, in twelve times its size of memory.
    daphne.WebRequest = partial(daphne.WebRequest, parsePOSTFormSubmission=False)

server: Any = sys.modules.get("daphne.server")
if server is not None:
    server.Server.handle_reply = patient(server.Server.handle_reply)

cli: Any = sys.modules.get("daphne.cli")
if cli is not None:

    class AccessLog(cli.AccessLogGenerator):  # type: ignore[misc]  # daphne is untyped
        """Daphne's, without the secret in an invitation's link."""

        def write_entry(self, host: str, date: Any, request: str, **details: Any) -> None:
            """Write a line."""
            super().write_entry(host, date, re.sub(r"(/invitations/)\S+", r"\1…", request), **details)

    cli.AccessLogGenerator = AccessLog

application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})
