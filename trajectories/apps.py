from django.apps import AppConfig


class TrajectoriesConfig(AppConfig):
    """Runs, their events and inputs, and the worker that executes them."""

    name = "trajectories"
    label = "trajectories"

    def ready(self) -> None:
        """Register the sentences that the audit log shows for this app's actions."""
        from trajectories import presenters  # noqa: PLC0415  needs the audit app to be loaded

        presenters.register_all()
