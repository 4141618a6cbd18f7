"""Experiments: two arms on the same items; and the promotions that rest on them."""

from django.db import models
from django.db.models import Q

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import EnvironmentName, Organization, Project
from trajectories.models.datasets import Dataset, Item, Split
from trajectories.models.prompts import Prompt, PromptVersion
from trajectories.models.runs import Run


class Arm(models.TextChoices):
    """What is compared: the incumbent, and what might take its place."""

    BASELINE = "baseline", "Baseline"
    CANDIDATE = "candidate", "Candidate"


class Experiment(OrgModel):
    """A candidate (prompt version, with or without examples) measured against a baseline on the items of a split.

    `plan` is frozen before the first call: the items, both arms, model, limits; `plan_hash` is its SHA-256. Results are
    not kept here: they are computed from the answers of the runs and the expected ones.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    split = models.CharField(max_length=10, choices=Split.choices)
    name = models.CharField(max_length=120)
    baseline = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="+")
    baseline_examples = models.BooleanField()
    candidate = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="+")
    candidate_examples = models.BooleanField()
    model = models.CharField(max_length=200)
    sub_model = models.CharField(max_length=200, blank=True, default="")
    environment = models.CharField(max_length=20, choices=EnvironmentName.choices)
    plan = models.JSONField()
    plan_hash = models.CharField(max_length=64)
    created_by_kind = models.CharField(max_length=10)
    created_by_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(baseline=models.F("candidate"), baseline_examples=models.F("candidate_examples")),
                name="experiment_arms_differ",
            ),
            models.CheckConstraint(condition=Q(split__in=Split.values), name="experiment_split_is_known"),
            models.CheckConstraint(
                condition=Q(environment__in=EnvironmentName.values), name="experiment_environment_is_known"
            ),
        ]
        indexes = [models.Index(fields=["project", "-created_at", "-id"], name="experiment_by_project_and_time")]


class ExperimentRun(OrgModel):
    """The run of one arm on one item."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="+", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    arm = models.CharField(max_length=10, choices=Arm.choices)
    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="experiment_run")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "item", "arm"], name="experiment_run_once_per_item_and_arm"),
            models.CheckConstraint(condition=Q(arm__in=Arm.values), name="experiment_run_arm_is_known"),
        ]


class Promotion(OrgModel):
    """A label moved to another version: why, by whom, on which evidence; never changed.

    `evidence` is the experiment's result as it was shown at that moment; `overridden` is true where it did not support
    the move, or there was none.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=50)
    from_version = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, null=True, related_name="+")
    to_version = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="+")
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, null=True, related_name="+")
    evidence = models.JSONField(default=dict)
    overridden = models.BooleanField()
    reason = models.TextField()
    created_by_kind = models.CharField(max_length=10)
    created_by_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="promotion_has_a_reason"),
        ]
