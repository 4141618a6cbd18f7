"""Memories and what became of them."""

import hashlib

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Project


class Kind(models.TextChoices):
    """What a memory is."""

    FACT = "fact", "Fact"
    EPISODE = "episode", "Episode"
    SKILL = "skill", "Skill"
    LESSON = "lesson", "Lesson"


class Trust(models.TextChoices):
    """Where it comes from, from the most to the least trusted."""

    USER_STATED = "user_stated", "Stated by a person"
    HUMAN_EDITED = "human_edited", "Edited by a person"
    AGENT_INFERRED = "agent_inferred", "Kept by a run"


class Status(models.TextChoices):
    """Whether runs are told: a forgotten memory can be brought back, an erased one has no text any more."""

    ACTIVE = "active", "Active"
    FORGOTTEN = "forgotten", "Forgotten"
    ERASED = "erased", "Erased"


class Memory(OrgModel):
    """Something that runs of a project may be told.

    `text_hash` is the SHA-256 of the text without regard to case and space: the same thing is kept once. A run is named
    by its id and not by a key, because a memory outlives it.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.FACT)
    text = models.TextField(blank=True)
    text_hash = models.CharField(max_length=64)
    trust = models.CharField(max_length=16, choices=Trust.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    pinned = models.BooleanField(default=False)
    source_run_id = models.UUIDField(null=True)
    uses = models.PositiveIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True)
    created_by_kind = models.CharField(max_length=10)
    created_by_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    search = models.GeneratedField(
        expression=SearchVector("text", config="english") + SearchVector("text", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        verbose_name_plural = "memories"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "text_hash"], condition=Q(status="active"), name="memory_kept_once_per_project"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="memory_kind_is_known"),
            models.CheckConstraint(condition=Q(trust__in=Trust.values), name="memory_trust_is_known"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="memory_status_is_known"),
            models.CheckConstraint(
                condition=Q(status="erased", text="", pinned=False) | ~Q(status="erased") & ~Q(text=""),
                name="memory_has_text_until_erased",
            ),
            models.CheckConstraint(condition=Q(pinned=False) | Q(status="active"), name="memory_pinned_is_active"),
        ]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="memory_by_project_and_time"),
            models.Index(fields=["source_run_id"], name="memory_by_run"),
            GinIndex(fields=["search"], name="memory_search"),
        ]

    @staticmethod
    def digest(text: str) -> str:
        """Hash what a text says, without regard to case and space."""
        return hashlib.sha256(" ".join(text.casefold().split()).encode("utf-8", "surrogatepass")).hexdigest()


class MemoryChange(OrgModel):
    """One change of a memory, with the text that it had afterwards; erasing the memory empties these texts too."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="+", db_index=False)
    action = models.CharField(max_length=10)
    text = models.TextField(blank=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["memory", "-at"], name="memory_change_by_memory")]
