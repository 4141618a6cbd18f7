"""Setting and removing an organization's own prices."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.engine.errors import UnknownModel
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.catalogs import catalog
from rlmlab.tenancy.fields import clean_text
from rlmlab.tenancy.models import ModelPrice, Organization
from rlmlab.tenancy.principals import Principal

HIGHEST_USD: Final = 1_000_000
MODEL_CHARACTERS: Final = 200
DECIMALS: Final = 6
FIELDS: Final = ("input_usd", "output_usd", "cached_input_usd", "cache_write_usd")
OPTIONAL: Final = ("cached_input_usd", "cache_write_usd")


def set_price(
    *,
    by: Principal,
    model: str,
    input_usd: Decimal,
    output_usd: Decimal,
    cached_input_usd: Decimal | None = None,
    cache_write_usd: Decimal | None = None,
) -> ModelPrice:
    """Say what a model costs the organization, in USD for a million tokens.

    Input that a provider's cache gave or took costs what other input does, where nothing else is said.

    Raises:
        Invalid: the model is not known, or a price is none.
    """
    by.require("provider.manage")
    name = _clean_model(model)
    wanted = dict(zip(FIELDS, (input_usd, output_usd, cached_input_usd, cache_write_usd), strict=True))
    for field, value in wanted.items():
        _check_price(field, value)
    with scoping.organization(by.organization):
        # one change at a time, so that the entry tells what was there before
        Organization.objects.select_for_update().get(pk=by.organization_id)
        before = ModelPrice.objects.for_org(by.organization).filter(model=name).first()
        price = before or ModelPrice(organization=by.organization, model=name)
        old = {field: getattr(before, field, None) for field in FIELDS}
        for field, value in wanted.items():
            setattr(price, field, value)
        price.save()
        changes = {field: {"from": _text(old[field]), "to": _text(wanted[field])} for field in FIELDS}
        _record(by, price, "price.set", {"model": name, **changes})
    return price


def remove_price(*, by: Principal, price_id: UUID) -> ModelPrice:
    """Forget the organization's price of a model; the installation's holds again.

    Raises:
        NotFound: the organization has no such price.
    """
    by.require("provider.manage")
    with scoping.organization(by.organization):
        price = ModelPrice.objects.for_org(by.organization).select_for_update().filter(pk=price_id).first()
        if price is None:
            raise NotFound("There is no such price.")
        ModelPrice.objects.for_org(by.organization).filter(pk=price.pk).delete()
        changes = {field: {"from": _text(getattr(price, field)), "to": None} for field in FIELDS}
        _record(by, price, "price.remove", {"model": price.model, **changes})
    return price


def _clean_model(model: str) -> str:
    name = clean_text("model", model, limit=MODEL_CHARACTERS)
    try:
        catalog().info(name)
    except UnknownModel as error:
        raise Invalid.field("model", str(error)) from None
    return catalog().canonical(name)


def _check_price(field: str, value: Decimal | None) -> None:
    if value is None and field in OPTIONAL:
        return
    if value is None or not value.is_finite() or not 0 <= value <= HIGHEST_USD:
        raise Invalid.field(field, f"must be between 0 and {HIGHEST_USD:,} USD for a million tokens")
    if value != round(value, DECIMALS):
        raise Invalid.field(field, f"has more than {DECIMALS} decimals")


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"


def _record(by: Principal, price: ModelPrice, action: str, changes: dict[str, object]) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action=action,
        object_type="model_price",
        object_id=price.id,
        changes=changes,
    )
