"""Answers of sub-calls that an organization has paid for already."""

from django.db import models

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Organization


class CachedAnswer(OrgModel):
    """What a model answered to exactly this request, found by the hash of all that went into it.

    `run_id` and `span_id` tell which run paid; there is no foreign key, so that the answer outlives a purged run.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=64)
    model = models.CharField(max_length=200)
    answer = models.TextField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cost_usd = models.FloatField(null=True)
    run_id = models.UUIDField()
    span_id = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="cached_answer_once_per_organization"),
        ]
