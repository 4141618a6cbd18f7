from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The hash-chained audit log."""

    name = "rlmlab.audit"
    label = "audit"
    verbose_name = "Audit"
