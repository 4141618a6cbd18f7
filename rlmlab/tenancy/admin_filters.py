"""Filters of the audit review."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter

from rlmlab import scoping
from rlmlab.audit import presenters
from rlmlab.audit.models import AuditEntry
from rlmlab.audit.queries import present
from rlmlab.tenancy.chains import PLATFORM_NAME
from rlmlab.tenancy.models import Organization

Entries = QuerySet[AuditEntry]
Choices = list[tuple[str, str]]


class OrganizationFilter(DropdownFilter):  # type: ignore[misc]  # unfold is untyped
    """Entries of one organization, or of the installation itself."""

    title = "organization"
    parameter_name = "organization"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Name the organizations."""
        named = [(str(item.pk), item.slug) for item in Organization.objects.order_by("slug")]
        return [*named, (str(scoping.PLATFORM), PLATFORM_NAME)]

    def queryset(self, request: HttpRequest, queryset: Entries) -> Entries:
        """Keep the chosen one's entries."""
        found = uuid_or_none(self.value())
        return queryset if found is None else queryset.filter(organization_id=found)


class ActionFilter(DropdownFilter):  # type: ignore[misc]  # unfold is untyped
    """Entries of one kind of action."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """List the kinds that apps registered."""
        return [(name, name) for name in sorted(presenters.registered_actions())]

    def queryset(self, request: HttpRequest, queryset: Entries) -> Entries:
        """Keep the chosen kind."""
        return queryset.filter(action=self.value()) if self.value() else queryset


class ObjectTypeFilter(DropdownFilter):  # type: ignore[misc]  # unfold is untyped
    """Entries about one kind of object."""

    title = "object"
    parameter_name = "object_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """List the kinds there are entries about."""
        found = AuditEntry.objects.values_list("object_type", flat=True).distinct().order_by("object_type")
        return [(name, name) for name in found]

    def queryset(self, request: HttpRequest, queryset: Entries) -> Entries:
        """Keep the chosen kind."""
        return queryset.filter(object_type=self.value()) if self.value() else queryset


class OneOfFilter(admin.SimpleListFilter):
    """Entries that agree in an id with the one whose link was followed; it is offered only while it narrows."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Name what is chosen."""
        found = uuid_or_none(request.GET.get(self.parameter_name or ""))
        return [] if found is None else [(str(found), self.named(found))]

    def queryset(self, request: HttpRequest, queryset: Entries) -> Entries:
        """Keep the entries with this id."""
        found = uuid_or_none(self.value())
        return queryset if found is None else queryset.filter(**{str(self.parameter_name): found})

    def named(self, found: UUID) -> str:
        """Say whose id it is."""
        return str(found)


class OneActorFilter(OneOfFilter):
    """All by one person or API key."""

    title = "one actor"
    parameter_name = "actor_id"

    def named(self, found: UUID) -> str:
        """Call it as its last entry does."""
        last = AuditEntry.objects.filter(actor_id=found).prefetch_related("people").order_by("-id").first()
        return present(last).actor if last and present(last).actor else str(found)


class OneObjectFilter(OneOfFilter):
    """All about one object."""

    title = "one object"
    parameter_name = "object_id"


class PeriodFilter(admin.DateFieldListFilter):
    """Entries of today, of the last days, of this month or year."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "period"


class DaysFilter(RangeDateFilter):  # type: ignore[misc]  # unfold is untyped
    """Entries from the start of one day to the end of another, in UTC."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "days, both included"

    def queryset(self, request: HttpRequest, queryset: Entries) -> Entries:
        """Keep what lies between; what is no date does not narrow."""
        since, until = (self._start(f"{self.parameter_name}_{end}") for end in ("from", "to"))
        if since is not None:
            queryset = queryset.filter(at__gte=since)
        return queryset if until is None else queryset.filter(at__lt=until + timedelta(days=1))

    def _start(self, parameter: str) -> datetime | None:
        try:
            day = parse_date(self.used_parameters.get(parameter) or "")
        except ValueError:  # well formed, and no day
            return None
        return None if day is None or day.year > 9000 else datetime.combine(day, time.min, UTC)  # noqa: PLR2004


def uuid_or_none(text: str | None) -> UUID | None:
    """Read an id from an address; None where it is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
