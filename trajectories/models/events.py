"""A run's events, which are its truth, and its spans, which are a projection of them."""

from typing import get_args

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from rlmlab.engine.events import EventType, SpanKind, SpanStatus
from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Organization
from trajectories.models.runs import Run


class Event(OrgModel):
    """One immutable record; the database refuses UPDATE to everybody and DELETE to the application.

    `payload` is the payload model of `rlmlab.engine.events` without its `type`, which is a column. The root span's
    parent is the empty string.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    span_id = models.CharField(max_length=32)
    parent_span_id = models.CharField(max_length=32, blank=True, default="")
    depth = models.PositiveIntegerField()
    type = models.CharField(max_length=20)
    payload = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "seq"], name="event_seq_once_per_run"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="event_seq_counts_from_one"),
            models.CheckConstraint(condition=Q(type__in=get_args(EventType)), name="event_type_is_known"),
        ]


class Span(OrgModel):
    """A nested interval of a run, as trees and sums show it; the fold of `rlmlab.engine.projection`."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)
    span_id = models.CharField(max_length=32)
    parent_span_id = models.CharField(max_length=32, blank=True, default="")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=255)
    path = models.TextField()
    attempt = models.PositiveIntegerField()
    depth = models.PositiveIntegerField()
    status = models.CharField(max_length=20)
    started_at = models.DateTimeField()
    first_seq = models.BigIntegerField()
    seconds = models.FloatField(null=True)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    cost_usd = models.FloatField(null=True, default=0.0)
    preview = models.TextField(blank=True, default="")
    coverage = ArrayField(
        models.BigIntegerField(), default=list, blank=True, help_text="Bytes of the input it saw: start, end, start, …"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "span_id"], name="span_once_per_run"),
            models.CheckConstraint(condition=Q(kind__in=get_args(SpanKind)), name="span_kind_is_known"),
            models.CheckConstraint(condition=Q(status__in=get_args(SpanStatus)), name="span_status_is_known"),
        ]
        indexes = [models.Index(fields=["run", "first_seq"], name="span_by_run_in_order")]
