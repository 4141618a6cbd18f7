"""Judgements on runs, and the answers that should have been given."""

from django.db import models
from django.db.models import Q

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Organization
from trajectories.models.runs import Run


class Dimension(models.TextChoices):
    """What is judged."""

    CORRECT = "correct", "Correct"
    HELPFUL = "helpful", "Helpful"
    FORMAT = "format", "Format"
    SAFETY = "safety", "Safety"
    EFFICIENCY = "efficiency", "Efficiency"


class RaterKind(models.TextChoices):
    """Who judges; aggregates prefer them in this order."""

    HUMAN = "human", "Human"
    CHECKER = "checker", "Checker"
    JUDGE = "judge", "Judge"
    IMPLICIT = "implicit", "Implicit"


class Rating(OrgModel):
    """One judgement of one rater in one dimension, on a run or (with `span_id`) on a part of it.

    A rater who changes their mind adds a version: the earlier one stays, without `current`. `value` is between 0 and 1.
    `correction` is the answer that should have been given, any JSON value; SQL NULL where there is none.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)
    span_id = models.CharField(max_length=32, blank=True, default="")
    dimension = models.CharField(max_length=12, choices=Dimension.choices)
    value = models.FloatField()
    rater_kind = models.CharField(max_length=10, choices=RaterKind.choices)
    rater_actor = models.CharField(max_length=10)
    rater_id = models.UUIDField(null=True)
    version = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)
    comment = models.TextField(blank=True, default="")
    correction = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "span_id", "dimension", "rater_kind", "rater_actor", "rater_id"],
                condition=Q(current=True),
                nulls_distinct=False,
                name="rating_current_once_per_rater",
            ),
            models.CheckConstraint(condition=Q(value__gte=0, value__lte=1), name="rating_value_is_a_share"),
            models.CheckConstraint(condition=Q(dimension__in=Dimension.values), name="rating_dimension_is_known"),
            models.CheckConstraint(condition=Q(rater_kind__in=RaterKind.values), name="rating_rater_is_known"),
        ]
        indexes = [
            models.Index(fields=["run", "-created_at"], name="rating_by_run"),
            models.Index(
                fields=["organization", "dimension", "run"],
                include=["rater_kind", "value"],
                condition=Q(current=True, span_id=""),
                name="rating_of_whole_runs",
            ),
        ]
