"""Projects: units of work inside an organization."""

from django.db import models

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
    """Owns runs, and later prompts, datasets and memory."""

    slug = models.CharField(max_length=50)
    name = models.CharField(max_length=120)
    default_model = models.CharField(max_length=200, blank=True, default="")
    default_environment = models.CharField(max_length=20, choices=EnvironmentName.choices, default=EnvironmentName.AUTO)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="project_slug_once_per_organization"),
            models.CheckConstraint(
                condition=models.Q(slug__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), name="project_slug_is_valid"
            ),
            models.CheckConstraint(
                condition=models.Q(default_environment__in=EnvironmentName.values), name="project_environment_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.slug
