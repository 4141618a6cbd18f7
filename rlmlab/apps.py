"""The installation's own app: its management commands, and the Celery app that `.delay()` needs in every process."""

from django.apps import AppConfig


class RlmLabConfig(AppConfig):
    """Load the Celery app as soon as Django is ready."""

    name = "rlmlab"
    label = "rlmlab"
    verbose_name = "RLM Lab"

    def ready(self) -> None:
        """Import the Celery app so that tasks bind to it and not to the default broker."""
        from rlmlab import celery  # noqa: F401, PLC0415 - registers the app
