"""Prompts: named texts in immutable numbered versions, at which labels point."""

from typing import Final

from django.db import models
from django.db.models import Q

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Project

SYSTEM_PROMPT: Final = "system"
"""The prompt that runs use: the system prompt of an RLM level."""
PRODUCTION: Final = "production"
"""The label whose version runs use when they name none."""


class Prompt(OrgModel):
    """A named prompt of a project."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=50)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="prompt_name_once_per_project"),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), name="prompt_name_is_valid"
            ),
        ]


class PromptVersion(OrgModel):
    """An immutable text; the database refuses UPDATE to everybody.

    `builtin` marks the text that the engine teaches by itself: with it, a small local model gets its own shorter form.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    text = models.TextField()
    note = models.CharField(max_length=500, blank=True, default="")
    builtin = models.BooleanField(default=False)
    created_by_kind = models.CharField(max_length=10)
    created_by_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prompt", "number"], name="prompt_version_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="prompt_version_counts_from_one"),
            models.CheckConstraint(condition=~Q(text=""), name="prompt_version_has_text"),
        ]

    def __str__(self) -> str:
        return f"{self.prompt.name} v{self.number}"


class PromptLabel(OrgModel):
    """A name that points at one version of a prompt; moved by promotions only."""

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=50)
    version = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="+")
    moved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prompt", "name"], name="prompt_label_once_per_prompt"),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), name="prompt_label_name_is_valid"
            ),
        ]
