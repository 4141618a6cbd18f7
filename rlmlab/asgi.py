"""The ASGI application: HTTP by Django, WebSockets by Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rlmlab.settings")
http = get_asgi_application()

from rlmlab.api.stream import websocket_urlpatterns  # noqa: E402 - models need Django set up first

application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})
