"""Requests that were made under an `Idempotency-Key`."""

from django.db import models

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Project
from trajectories.models.runs import Run


class IdempotencyKey(OrgModel):
    """Answers a repeated request with the run it made; valid for 24 hours, per actor and project.

    `fingerprint` is the SHA-256 of the request's body: another body under the same key is a conflict.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "actor_kind", "actor_id", "key"], name="idempotency_key_once_per_actor"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]
