"""An organization's own prices."""

from decimal import Decimal

import pytest

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.engine.providers.base import Price
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.actions.prices import remove_price, set_price
from rlmlab.tenancy.catalogs import catalog_of
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.providers import prices_of

pytestmark = pytest.mark.django_db
ONE, TWO = Decimal(1), Decimal("2.5")


def changes(by: Principal, action: str) -> list[dict[str, object]]:
    with scoping.organization(by.organization):
        found = AuditEntry.objects.filter(action=action).order_by("id")
        return [entry.changes for entry in found]


def test_own_price_precedes_the_others(ada: Principal, bo: Principal) -> None:
    set_price(
        by=ada,
        model="gpt-5-mini",
        input_usd=ONE,
        output_usd=TWO,
        cached_input_usd=Decimal("0.1"),
        cache_write_usd=Decimal("1.25"),
    )
    assert [row.model for row in prices_of(ada)] == ["openai/gpt-5-mini"]
    seen = catalog_of(ada.organization)
    assert seen.info("openai/gpt-5-mini").price == seen.info("gpt-5-mini").price == Price(1e-6, 2.5e-6, 1e-7, 1.25e-6)
    assert seen.price_source("gpt-5-mini") == "organization"
    others = catalog_of(bo.organization)
    assert (others.info("gpt-5-mini").price, others.price_source("gpt-5-mini")) == (
        Price(2.5e-07, 2e-06, 2.5e-08),
        "litellm",
    )


def test_a_model_without_a_price_gets_one(ada: Principal) -> None:
    set_price(by=ada, model="local/gemma-3-270m", input_usd=Decimal(0), output_usd=Decimal(0))
    assert catalog_of(ada.organization).info("local/gemma-3-270m").price == Price(0, 0, None)


def test_changing_and_removing_are_recorded_with_both_values(ada: Principal) -> None:
    set_price(by=ada, model="openai/gpt-5-mini", input_usd=ONE, output_usd=TWO)
    price = set_price(by=ada, model="openai/gpt-5-mini", input_usd=Decimal("1.50"), output_usd=TWO)
    assert len(prices_of(ada)) == 1
    assert changes(ada, "price.set")[1] == {
        "model": "openai/gpt-5-mini",
        "input_usd": {"from": "1", "to": "1.5"},
        "output_usd": {"from": "2.5", "to": "2.5"},
        "cached_input_usd": {"from": None, "to": None},
        "cache_write_usd": {"from": None, "to": None},
    }
    assert remove_price(by=ada, price_id=price.id).model == "openai/gpt-5-mini"
    assert prices_of(ada) == []
    assert changes(ada, "price.remove")[0]["input_usd"] == {"from": "1.5", "to": None}
    with pytest.raises(NotFound):
        remove_price(by=ada, price_id=price.id)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"model": ""}, "model", "must not be empty"),
        ({"model": "nobody/x"}, "model", "Unknown model 'nobody/x'"),
        ({"model": "gpt-999"}, "model", "Unknown model 'gpt-999'"),
        ({"model": "a\x00"}, "model", "must not contain control characters"),
        ({"input_usd": Decimal(-1)}, "input_usd", "must be between 0 and 1,000,000 USD"),
        ({"output_usd": Decimal("NaN")}, "output_usd", "must be between 0 and 1,000,000 USD"),
        ({"output_usd": Decimal("Infinity")}, "output_usd", "must be between 0 and 1,000,000 USD"),
        ({"output_usd": Decimal(10**7)}, "output_usd", "must be between 0 and 1,000,000 USD"),
        ({"cached_input_usd": Decimal("0.0000001")}, "cached_input_usd", "has more than 6 decimals"),
        ({"cache_write_usd": Decimal(-1)}, "cache_write_usd", "must be between 0 and 1,000,000 USD"),
    ],
)
def test_wrong_field_is_named(ada: Principal, fields: dict[str, object], field: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        set_price(by=ada, **{"model": "openai/x", "input_usd": ONE, "output_usd": TWO} | fields)
    assert [error.field for error in caught.value.errors] == [field]
    assert caught.value.errors[0].message.startswith(words)
    assert prices_of(ada) == []


def test_another_organizations_price_is_not_found(ada: Principal, bo: Principal, vera: Principal) -> None:
    price = set_price(by=ada, model="openai/x", input_usd=ONE, output_usd=TWO)
    with pytest.raises(NotFound, match="no such price"):
        remove_price(by=bo, price_id=price.id)
    assert prices_of(bo) == []
    for call in (
        lambda: set_price(by=vera, model="openai/x", input_usd=ONE, output_usd=TWO),
        lambda: remove_price(by=vera, price_id=price.id),
        lambda: prices_of(vera),
    ):
        with pytest.raises(PermissionMissing):
            call()
    assert len(prices_of(ada)) == 1
