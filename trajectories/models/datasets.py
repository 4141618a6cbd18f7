"""Evaluation cases."""

from django.db import models
from django.db.models import Q

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Project
from trajectories.models.blobs import Blob
from trajectories.models.runs import ContextKind, Run


class Split(models.TextChoices):
    """What an item may be used for: to learn from, to try things on, to decide with."""

    TRAIN = "train", "Train"
    DEV = "dev", "Dev"
    HOLDOUT = "holdout", "Holdout"


class Checker(models.TextChoices):
    """How an answer is compared with the expected one."""

    EXACT = "exact", "Same text, but for case and space"
    CONTAINS = "contains", "Contains the expected text"
    NUMBER = "number", "Same number"
    JSON = "json", "Same JSON value"


class Dataset(OrgModel):
    """A named set of items of a project, all checked in one way."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=50)
    description = models.CharField(max_length=500, blank=True, default="")
    checker = models.CharField(max_length=10, choices=Checker.choices, default=Checker.EXACT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="dataset_name_once_per_project"),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), name="dataset_name_is_valid"
            ),
            models.CheckConstraint(condition=Q(checker__in=Checker.values), name="dataset_checker_is_known"),
        ]


class Item(OrgModel):
    """A task with its input and the answer it should get.

    `number` counts from 1 within the dataset. `input_hash` is the SHA-256 of task and input: the same case is there
    once, and no example made from it is given to its own evaluation. `source_run` is the run that it was made from.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    split = models.CharField(max_length=10, choices=Split.choices)
    task = models.TextField()
    context_kind = models.CharField(max_length=10, choices=ContextKind.choices, blank=True, default=ContextKind.NONE)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, related_name="+")
    expected = models.JSONField()
    input_hash = models.CharField(max_length=64)
    source_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="item_number_once_per_dataset"),
            models.UniqueConstraint(
                fields=["dataset", "input_hash"], condition=Q(retired_at=None), name="item_input_once_per_dataset"
            ),
            models.CheckConstraint(condition=Q(split__in=Split.values), name="item_split_is_known"),
            models.CheckConstraint(
                condition=Q(context_kind="", blob=None) | Q(context_kind__in=["text", "json"], blob__isnull=False),
                name="item_has_its_input",
            ),
        ]
