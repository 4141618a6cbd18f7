"""Runs and their inputs."""

from datetime import datetime
from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from rlmlab.scoping.models import OrgModel, OrgQuerySet
from rlmlab.tenancy.models import EnvironmentName, Organization, Project
from trajectories.models.blobs import Blob
from trajectories.models.prompts import PromptVersion


class RunStatus(models.TextChoices):
    """Where a run stands; the last three are terminal and final."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL: Final = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)


class FinishReason(models.TextChoices):
    """Why a run ended."""

    SUBMITTED = "submitted"
    FALLBACK = "fallback"
    BUDGET = "budget"
    TIMEOUT = "timeout"
    ERROR = "error"
    CANCELLED = "cancelled"


class Purpose(models.TextChoices):
    """What a run is for; evaluation runs stay out of lists, examples and memory."""

    USER = "user"
    EVALUATION = "evaluation"


class Mode(models.TextChoices):
    """How a run works: one plain call, a REPL without sub-calls, the whole of it, or what `auto` picks at the start."""

    DIRECT = "direct"
    REPL = "repl"
    RLM = "rlm"
    AUTO = "auto"


class Origin(models.TextChoices):
    """How a run came from another one, whose first events it shares."""

    NONE = ""
    FORK = "fork"
    RETRY = "retry"
    CONTINUE = "continue"


class ContextKind(models.TextChoices):
    """What the REPL's `context` is: a string, what JSON says, a dict of files, or JSON with files beside it."""

    NONE = ""
    TEXT = "text"
    JSON = "json"
    FILES = "files"
    MIXED = "mixed"


class RunQuerySet(OrgQuerySet["Run"]):
    """Filters over runs."""

    def shown(self) -> "RunQuerySet":
        """Bring along what every view of a run shows: its project, and which version of which prompt it got."""
        return self.select_related("project", "prompt_version__prompt").defer("prompt_version__text")

    def expired(self, now: datetime) -> "RunQuerySet":
        """Keep the runs whose worker has not been heard of in time."""
        return self.filter(status=RunStatus.RUNNING, lease_until__lt=now)

    def held(self, *, owner: str, fence: int) -> "RunQuerySet":
        """Keep the runs that this holder may still write to."""
        return self.filter(status=RunStatus.RUNNING, lease_owner=owner, fence=fence)


RunManager = models.Manager.from_queryset(RunQuerySet)


class Run(OrgModel):
    """One execution of a task.

    Three groups of columns: what was asked for, frozen at creation; the lease, which says who may write; and the
    projection of the run's events (status to `last_seq`), written in the transaction that stores them. What changes
    while a run works stands in no index: PostgreSQL would write each new version of the row to all of them.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.USER)
    title = models.CharField(max_length=200)
    task = models.TextField()
    model = models.CharField(max_length=200)
    sub_model = models.CharField(max_length=200, blank=True, default="")
    depth_models = ArrayField(
        models.CharField(max_length=200), default=list, blank=True, help_text="By depth, the root's first."
    )
    fallback_models = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.RLM)
    mode_reason = models.TextField(
        blank=True, default="", help_text="Why `auto` chose the mode; empty where it was asked for."
    )
    tools = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    use_cache = models.BooleanField(default=False, help_text="As the project had it when the run was made.")
    priority = models.SmallIntegerField(default=0, help_text="Higher is claimed earlier, within an organization.")
    prompt_version = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, null=True, related_name="+")
    use_examples = models.BooleanField(default=False)
    use_memory = models.BooleanField(default=False)
    environment = models.CharField(max_length=20, choices=EnvironmentName.choices)
    environment_level = models.CharField(max_length=40, blank=True, default="")
    profile = models.CharField(max_length=20)
    context_kind = models.CharField(max_length=10, choices=ContextKind.choices, blank=True, default=ContextKind.NONE)
    context_size = models.BigIntegerField(default=0)
    response_schema = models.JSONField(null=True)
    seed = models.BigIntegerField(null=True)
    tags = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    created_by_kind = models.CharField(max_length=10)
    created_by_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    origin = models.CharField(max_length=10, choices=Origin.choices, blank=True, default=Origin.NONE)
    origin_run_id = models.UUIDField(null=True)
    origin_seq = models.BigIntegerField(default=0, help_text="The last event that is shared.")
    edited_code = models.TextField(blank=True, default="", help_text="What a fork runs instead of the next reply.")

    max_tokens = models.BigIntegerField()
    max_cost_usd = models.FloatField(null=True)
    cost_limit_given = models.BooleanField(default=False, help_text="False where 1 USD is only the default.")
    max_seconds = models.FloatField()
    max_depth = models.PositiveIntegerField()
    max_steps = models.PositiveIntegerField()
    max_sub_calls = models.PositiveIntegerField()

    lease_owner = models.CharField(max_length=120, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    pause_requested = models.BooleanField(default=False)
    takeovers = models.PositiveIntegerField(default=0, help_text="Workers lost in a row without any progress.")
    takeover_progress = models.BigIntegerField(default=0, help_text="What had been done at the last of them.")
    queued_at = models.DateTimeField(default=timezone.now, help_text="When it began to wait for a worker.")
    enqueued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)

    status = models.CharField(max_length=12, choices=RunStatus.choices, default=RunStatus.QUEUED)
    finish_reason = models.CharField(max_length=12, choices=FinishReason.choices, blank=True, default="")
    answer = models.JSONField(null=True)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0, help_text="Of the input, read from a provider's cache.")
    cache_write_tokens = models.BigIntegerField(default=0, help_text="Of the input, written to a provider's cache.")
    reasoning_tokens = models.BigIntegerField(default=0, help_text="Of the output.")
    cost_usd = models.FloatField(null=True, default=0.0)
    model_calls = models.PositiveIntegerField(default=0)
    sub_calls = models.PositiveIntegerField(default=0)
    cached_sub_calls = models.PositiveIntegerField(default=0, help_text="Of the sub-calls, answered from the cache.")
    saved_usd = models.FloatField(null=True, default=0.0, help_text="What these had cost; null: a price is unknown.")
    steps = models.PositiveIntegerField(default=0)
    reached_depth = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    last_seq = models.BigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[RunManager["Run"]] = RunManager()

    class Meta:
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="run_by_project_and_time"),
            models.Index(fields=["project", "purpose", "-created_at", "-id"], name="run_by_purpose"),
            models.Index(fields=["project", "status", "-created_at", "-id"], name="run_by_status"),
            models.Index(fields=["project", "model", "-created_at", "-id"], name="run_by_model"),
            models.Index(fields=["project", "mode", "-created_at", "-id"], name="run_by_mode"),
            GinIndex(fields=["project", "tags"], name="run_by_tag"),
            models.Index(fields=["origin_run_id"], name="run_by_origin", condition=~Q(origin="")),
            models.Index(fields=["id"], name="run_at_work", condition=Q(status="running")),
            models.Index(
                fields=["organization", "-priority", "created_at", "id"],
                name="run_waiting_in_order",
                condition=Q(status="queued"),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=RunStatus.values), name="run_status_is_known"),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="run_purpose_is_known"),
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="run_mode_is_known"),
            models.CheckConstraint(
                condition=Q(origin="", origin_run_id=None)
                | Q(origin__in=("fork", "retry", "continue"), origin_run_id__isnull=False),
                name="run_origin_names_a_run",
            ),
            models.CheckConstraint(
                condition=Q(environment__in=EnvironmentName.values), name="run_environment_is_known"
            ),
            models.CheckConstraint(condition=Q(context_kind__in=ContextKind.values), name="run_context_kind_is_known"),
            models.CheckConstraint(
                condition=Q(finish_reason="", finished_at=None) & ~Q(status__in=TERMINAL)
                | Q(status__in=TERMINAL, finish_reason__in=FinishReason.values, finished_at__isnull=False),
                name="run_ends_with_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed", error_code=""),
                name="run_failed_with_an_error",
            ),
            models.CheckConstraint(
                condition=Q(lease_owner="", lease_until=None) & ~Q(status="running")
                | Q(status="running", lease_until__isnull=False) & ~Q(lease_owner=""),
                name="run_is_leased_while_running",
            ),
        ]

    @property
    def is_terminal(self) -> bool:
        """Tell whether it has ended, for good."""
        return self.status in TERMINAL

    @property
    def answered(self) -> bool:
        """Tell whether it has ended with an answer."""
        return self.status == RunStatus.SUCCEEDED


class RunInput(OrgModel):
    """A blob that a run reads: its context (empty name), or a file by its name in the REPL, in this order."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=255, blank=True, default="")
    media_type = models.CharField(max_length=60, blank=True, default="", help_text="Empty: text.")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="run_input_position_once"),
            models.UniqueConstraint(fields=["run", "name"], name="run_input_name_once"),
        ]


class Tombstone(OrgModel):
    """What is left of a purged run; written by the owner's function `purge_run` only."""

    run_id = models.UUIDField()
    events = models.BigIntegerField()
    created_at = models.DateTimeField()
    purged_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run_id"], name="tombstone_once_per_run"),
        ]
