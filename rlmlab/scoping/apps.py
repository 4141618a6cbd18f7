from django.apps import AppConfig


class ScopingConfig(AppConfig):
    """Tenant scope; holds the grants of the application's database role and the checks on the two roles."""

    name = "rlmlab.scoping"
    label = "scoping"

    def ready(self) -> None:
        """Register the system checks."""
        import rlmlab.scoping.checks  # noqa: F401, PLC0415  registers itself, needs the app registry
