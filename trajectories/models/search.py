"""Runs as searches see them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Organization, Project
from trajectories.models.prompts import PromptVersion


class SearchedRun(OrgModel):
    """A run's searched columns: a view that lets PostgreSQL use the indexes on texts and tags.

    Behind a row-level security policy it would use none of them: see the migration that makes the view. It shows the
    runs of the current organization and nothing outside of `scoping.organization`; nobody can write to it. A migration
    that changes one of its columns makes it anew. `words` is the title and the first 10,000 characters of the task,
    in lower case; `read_words` is the same, looked up in no index.
    """

    organization = models.ForeignKey(Organization, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    purpose = models.CharField(max_length=12)
    status = models.CharField(max_length=12)
    finish_reason = models.CharField(max_length=12)
    model = models.CharField(max_length=200)
    prompt_version = models.ForeignKey(
        PromptVersion, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False
    )
    tags = ArrayField(models.CharField(max_length=50))
    created_at = models.DateTimeField()
    depth = models.PositiveIntegerField()
    calls = models.PositiveIntegerField()
    tokens = models.BigIntegerField()
    cost_usd = models.FloatField(null=True)
    seconds = models.FloatField()
    words = models.TextField()
    read_words = models.TextField()
    mode = models.CharField(max_length=10)

    class Meta:
        managed = False
