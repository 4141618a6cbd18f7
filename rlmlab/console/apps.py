"""The browser console."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Pages and what they need; no models."""

    name = "rlmlab.console"
    label = "console"
    verbose_name = "Console"
