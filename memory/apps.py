from django.apps import AppConfig


class MemoryConfig(AppConfig):
    """What agents keep across runs."""

    name = "memory"
    label = "memory"

    def ready(self) -> None:
        """Register the sentences that the audit log shows for this app's actions."""
        from memory import presenters  # noqa: PLC0415  needs the audit app to be loaded

        presenters.register_all()
