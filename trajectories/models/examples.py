"""Few-shot examples, and which of them a run was given."""

from typing import Final

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Left

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Organization, Project
from trajectories.models.ratings import Rating
from trajectories.models.runs import Run

SEARCHED_CHARACTERS: Final = 20_000  # a tsvector holds 1 MB at most, and a task may be longer


class ExampleKind(models.TextChoices):
    """What makes a run an example: that it was right, or that somebody said what would have been."""

    GOOD = "good", "Good run"
    CORRECTED = "corrected", "Corrected run"


class Example(OrgModel):
    """A rated trajectory chosen for few-shot; `text` is what a prompt gets of it, frozen when it was made.

    `input_hash` is the SHA-256 of task and input, by which an evaluation item's own run is kept out.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")
    rating = models.ForeignKey(Rating, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=ExampleKind.choices)
    task = models.TextField()
    text = models.TextField()
    input_hash = models.CharField(max_length=64)
    created_by_kind = models.CharField(max_length=10)
    created_by_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True)
    search = models.GeneratedField(
        expression=SearchVector(Left("task", SEARCHED_CHARACTERS), config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run"], condition=Q(retired_at=None), name="example_once_per_run"),
            models.CheckConstraint(condition=Q(kind__in=ExampleKind.values), name="example_kind_is_known"),
            models.CheckConstraint(condition=~Q(text=""), name="example_has_text"),
        ]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="example_by_project_and_time"),
            GinIndex(fields=["search"], name="example_search"),
        ]


class RunExample(OrgModel):
    """An example that a run got, chosen when the run was made: `position` from 1, the most similar last."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)
    example = models.ForeignKey(Example, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    score = models.FloatField()
    reason = models.CharField(max_length=500)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="run_example_position_once"),
            models.UniqueConstraint(fields=["run", "example"], name="run_example_once"),
        ]
