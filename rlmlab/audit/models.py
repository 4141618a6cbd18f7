"""The audit log: entries, the links that chain them, and the personal fields that can be erased.

No foreign key points at organizations or at what an entry is about: the log outlives both. `organization_id` is
`scoping.PLATFORM` for what concerns the installation alone.
"""

from django.db import models
from django.utils import timezone

from rlmlab.scoping.ids import uuid7
from rlmlab.scoping.models import OrgManager


class Outcome(models.TextChoices):
    """How an action ended."""

    OK = "ok", "Done"
    DENIED = "denied", "Denied"
    FAILED = "failed", "Failed"


class AuditEntry(models.Model):
    """Who did what to which object; written in the action's transaction, never edited."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization_id = models.UUIDField()
    at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.UUIDField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    changes = models.JSONField(default=dict)
    actor_commitment = models.CharField(max_length=64)
    subject_commitment = models.CharField(max_length=64, blank=True, default="")

    objects = OrgManager()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["organization_id", "-at"], name="audit_entry_by_time"),
            models.Index(fields=["organization_id", "-id"], name="audit_entry_by_organization"),
            models.Index(fields=["object_type", "object_id"], name="audit_entry_by_object"),
            models.Index(fields=["actor_id"], name="audit_entry_by_actor"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="audit_entry_outcome_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d %H:%M:%S}"


class AuditLink(models.Model):
    """An entry's place in its organization's chain; written at commit by a trigger, by nobody else."""

    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, primary_key=True, related_name="link")
    organization_id = models.UUIDField()
    position = models.BigIntegerField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = OrgManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization_id", "position"], name="audit_link_position_once"),
        ]


class Part(models.TextChoices):
    """Whose personal fields these are, in an entry."""

    ACTOR = "actor", "Actor"
    SUBJECT = "subject", "Subject"


class AuditPerson(models.Model):
    """Personal fields of an entry: of who acted, or of the person it is about.

    The entry's hash holds only their salted commitment. Erasing empties `fields` and `salt`, which nothing can undo:
    without the salt nobody can try names and addresses against the commitment.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    entry = models.ForeignKey(AuditEntry, on_delete=models.PROTECT, related_name="people")
    organization_id = models.UUIDField()
    part = models.CharField(max_length=10, choices=Part.choices)
    person_id = models.UUIDField(null=True, db_index=True)
    salt = models.CharField(max_length=64, blank=True)
    fields = models.JSONField(default=dict)
    erased_at = models.DateTimeField(null=True)

    objects = OrgManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entry", "part"], name="audit_person_part_once"),
            models.CheckConstraint(condition=models.Q(part__in=Part.values), name="audit_person_part_is_known"),
        ]

    def value(self, name: str) -> str:
        """Return a personal field; empty where there is none, or none any more."""
        return str(self.fields.get(name, ""))
