from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """Organizations, their members, projects and API keys."""

    name = "rlmlab.tenancy"
    label = "tenancy"

    def ready(self) -> None:
        """Register the sentences that the audit log shows for this app's actions."""
        from rlmlab.tenancy import presenters  # noqa: PLC0415  needs the audit app to be loaded

        presenters.register_all()
