"""The base of every tenant table."""

from typing import Self, TypeVar
from uuid import UUID

from django.db import models

from rlmlab.scoping.context import Tenant, organization_id_of
from rlmlab.scoping.ids import uuid7

RowT_co = TypeVar("RowT_co", bound=models.Model, covariant=True)


class OrgQuerySet(models.QuerySet[RowT_co]):
    """Rows of tenant tables; every look-up starts at `for_org`."""

    def for_org(self, organization: Tenant | UUID) -> Self:
        """Keep the rows of one organization, given as a row or as an id."""
        return self.filter(organization_id=organization_id_of(organization))


OrgManager = models.Manager.from_queryset(OrgQuerySet)


class OrgModel(models.Model):
    """A row that belongs to one organization.

    Its migration calls `rls.enable_row_level_security` in the same step that makes the table; a guard test compares the
    two. Ids are version 7 UUIDs.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("tenancy.Organization", on_delete=models.PROTECT, related_name="+")

    objects = OrgManager()

    class Meta:
        abstract = True
