from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The REST API and the WebSocket."""

    name = "rlmlab.api"
    label = "api"
