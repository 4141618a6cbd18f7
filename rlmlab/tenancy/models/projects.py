"""Projects: units of work inside an organization."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from rlmlab.scoping.models import OrgModel


class EnvironmentName(models.TextChoices):
    """Where code runs; `auto` chooses the strictest that holds on this host."""

    AUTO = "auto"
    RESTRICTED = "restricted"
    NATIVE = "native"
    DOCKER = "docker"
    MONTY = "monty"
    WASM = "wasm"


class Project(OrgModel):
    """Owns runs, prompts, examples, datasets and memory; what a run leaves open, its defaults fill.

    A limit that is None is the installation's own default.
    """

    slug = models.CharField(max_length=50)
    name = models.CharField(max_length=120)
    default_model = models.CharField(max_length=200, blank=True, default="")
    default_sub_model = models.CharField(max_length=200, blank=True, default="")
    fallback_models = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    default_environment = models.CharField(max_length=20, choices=EnvironmentName.choices, default=EnvironmentName.AUTO)
    use_examples = models.BooleanField(default=False, help_text="What the console's form of a new run starts with.")
    use_memory = models.BooleanField(default=False, help_text="What the console's form of a new run starts with.")
    cache_sub_calls = models.BooleanField(
        default=False, help_text="Answer a sub-call that the organization has paid for already from its record."
    )
    allowed_hosts = ArrayField(
        models.CharField(max_length=253), default=list, blank=True, help_text="What the tool http_fetch may reach."
    )
    max_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    max_cost_usd = models.FloatField(null=True, blank=True)
    max_seconds = models.FloatField(null=True, blank=True)
    max_depth = models.PositiveIntegerField(null=True, blank=True)
    max_steps = models.PositiveIntegerField(null=True, blank=True)
    max_sub_calls = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="project_slug_once_per_organization"),
            models.CheckConstraint(
                condition=Q(slug__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), name="project_slug_is_valid"
            ),
            models.CheckConstraint(
                condition=Q(default_environment__in=EnvironmentName.values), name="project_environment_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.slug
