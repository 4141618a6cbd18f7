"""Organizations and who belongs to them."""

from typing import TypedDict

from django.db import models

from rlmlab.scoping.ids import uuid7
from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models.users import User


class Role(models.TextChoices):
    """What a member or a key may do, from the most to the least; `rlmlab.tenancy.permissions` holds the table."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    EDITOR = "editor", "Editor"
    REVIEWER = "reviewer", "Reviewer"
    VIEWER = "viewer", "Viewer"


class BudgetCaps(TypedDict, total=False):
    """The highest budget a run of an organization may have, and how many may be at work at the same time.

    A missing key means no cap of its own.
    """

    max_tokens: int
    max_cost_usd: float
    max_seconds: int
    max_sub_calls: int
    max_concurrent_runs: int


class Organization(models.Model):
    """A tenant: the root of everything that is kept apart. Row-level security compares its own id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(max_length=50)
    name = models.CharField(max_length=120)
    max_tokens_per_run = models.PositiveBigIntegerField(null=True, blank=True)
    max_cost_usd_per_run = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    max_seconds_per_run = models.PositiveIntegerField(null=True, blank=True)
    max_sub_calls_per_run = models.PositiveIntegerField(null=True, blank=True)
    max_concurrent_runs = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Runs at work at the same time; more wait. Empty: as many as the workers have places.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="organization_slug_once"),
            models.CheckConstraint(
                condition=models.Q(slug__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), name="organization_slug_is_valid"
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def budget_caps(self) -> BudgetCaps:
        """Return the caps that are set; those on a run stand under the names of the budget's fields."""
        caps = BudgetCaps()
        if self.max_tokens_per_run is not None:
            caps["max_tokens"] = self.max_tokens_per_run
        if self.max_cost_usd_per_run is not None:
            caps["max_cost_usd"] = float(self.max_cost_usd_per_run)
        if self.max_seconds_per_run is not None:
            caps["max_seconds"] = self.max_seconds_per_run
        if self.max_sub_calls_per_run is not None:
            caps["max_sub_calls"] = self.max_sub_calls_per_run
        if self.max_concurrent_runs is not None:
            caps["max_concurrent_runs"] = self.max_concurrent_runs
        return caps


class Membership(OrgModel):
    """A person's role in an organization."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once_per_organization"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_is_known"),
        ]
