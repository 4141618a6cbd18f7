from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The hash-chained audit log."""

    name = "rlmlab.audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Register the sentence of this app's one action of its own."""
        from rlmlab.audit import presenters  # noqa: PLC0415  only when the app is ready

        presenters.register("person.erase", "erased a person's fields from {entries} entries")
