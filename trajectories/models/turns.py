"""Whose turn it is among organizations with waiting runs."""

from django.db import models

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Organization


class Turn(OrgModel):
    """When one of an organization's waiting runs was last claimed.

    A row of its own, since claims lock it: where the organization's limit is counted, two workers must not count at the
    same time. `served_at` stands in no index, so that a claim rewrites this row alone.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    served_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="turn_once_per_organization"),
        ]
