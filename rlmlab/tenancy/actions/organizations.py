"""Making organizations and setting their caps."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.audit.actors import Actor
from rlmlab.errors import Invalid
from rlmlab.tenancy.fields import clean_slug, clean_text, unique
from rlmlab.tenancy.models import Organization
from rlmlab.tenancy.principals import Principal

_COLUMNS: Final = {
    "max_tokens": "max_tokens_per_run",
    "max_cost_usd": "max_cost_usd_per_run",
    "max_seconds": "max_seconds_per_run",
    "max_sub_calls": "max_sub_calls_per_run",
    "max_concurrent_runs": "max_concurrent_runs",
}
_HIGHEST: Final = {
    "max_tokens": 10**15,
    "max_cost_usd": 10**7,
    "max_seconds": 2_147_483_647,
    "max_sub_calls": 2_147_483_647,
    "max_concurrent_runs": 100_000,
}


def create_organization(*, by: Actor, slug: str, name: str) -> Organization:
    """Make an organization; it has no members yet.

    Raises:
        Invalid: the slug or the name is not valid, or the slug is taken.
    """
    organization = Organization(slug=clean_slug("slug", slug), name=clean_text("name", name))
    with scoping.organization(organization.id):
        with unique("organization_slug_once", "slug", f'"{slug}" is taken'):
            organization.save(force_insert=True)
        record(
            organization_id=organization.id,
            actor=by,
            action="organization.create",
            object_type="organization",
            object_id=organization.id,
            changes={"slug": organization.slug, "name": organization.name},
        )
    return organization


def set_caps(*, by: Principal, caps: Mapping[str, float | None]) -> Organization:
    """Cap the budget of the organization's runs and how many work at once; None takes a cap away, others stay.

    Raises:
        Invalid: an unknown limit, or a value that is not positive.
    """
    by.require("organization.manage")
    for field, value in caps.items():
        _check_cap(field, value)
    with scoping.organization(by.organization):
        organization = Organization.objects.select_for_update().get(pk=by.organization_id)
        changes = {}
        for field, value in caps.items():
            column = _COLUMNS[field]
            before = organization.budget_caps().get(field)
            setattr(organization, column, _stored(field, value))
            changes[field] = {"from": before, "to": value}
        organization.save(update_fields=[_COLUMNS[field] for field in caps])
        record(
            organization_id=organization.id,
            actor=by.actor,
            action="organization.set_caps",
            object_type="organization",
            object_id=organization.id,
            changes=changes,
        )
    return organization


def _check_cap(field: str, value: float | None) -> None:
    if field not in _COLUMNS:
        raise Invalid.field(field, f"is not a limit; use one of {', '.join(_COLUMNS)}")
    if value is None:
        return
    if not 0 < value <= _HIGHEST[field]:
        raise Invalid.field(field, f"must be above 0 and at most {_HIGHEST[field]}")
    if field != "max_cost_usd" and value != int(value):
        raise Invalid.field(field, "must be a whole number")


def _stored(field: str, value: float | None) -> Decimal | int | None:
    if value is None:
        return None
    return Decimal(str(value)) if field == "max_cost_usd" else int(value)
