"""A run's request is checked in one place, and every wrong field is named."""

import math
from decimal import Decimal
from typing import Any

import pytest

from rlmlab.errors import Invalid
from rlmlab.tenancy.actions.prices import set_price
from rlmlab.tenancy.actions.providers import remove_provider_key, set_provider_key
from tests.factories.runs import MODEL
from tests.factories.tenancy import Tenant
from trajectories.requests import RunPlan, RunRequest, plan, title_of


def planned(tenant: Tenant, **fields: Any) -> RunPlan:
    request = RunRequest(**{"task": "Count.", "model": MODEL} | fields)
    return plan(request, organization=tenant.organization, project=tenant.project)


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def refused(tenant: Tenant, **fields: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        planned(tenant, **fields)
    return {error.field: error.message for error in caught.value.errors}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("task", "", "must not be empty"),
        ("task", " \n", "must not be empty"),
        ("task", "a\x00b", "must not contain NUL characters (the first stands at 1)"),
        ("task", "ab\ud800", "must not contain lone surrogates (the first stands at 2)"),
        ("task", "x" * 1_000_001, "has 1,000,001 characters; 1,000,000 are allowed"),
        ("title", "x" * 201, "has 201 characters; 200 are allowed"),
        ("environment", "moon", '"moon" is not an environment'),
        ("environment", "docker", "docker is not available on this machine"),
        ("context", 7, "must be a string, a list or an object"),
        ("seed", -1, "must be between 0 and 2^63 - 1"),
        ("seed", 1 << 63, "must be between 0 and 2^63 - 1"),
        ("tags", ["x"] * 21, "has 21 items; 20 are allowed"),
        ("sub_model", "nonsense", "Unknown model 'nonsense'"),
        ("model", "nobody/model", "Unknown model 'nobody/model'"),
        (
            "model",
            "anthropic/claude-x",
            "No credentials for anthropic: add a key under Settings → Providers & models, or set",
        ),
    ],
)
def test_wrong_field_is_named(acme: Tenant, field: str, value: Any, message: str) -> None:
    errors = refused(acme, **{field: value})
    assert list(errors) == [field]
    assert errors[field].startswith(message)


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("max_tokens", 0, "must be at least 1"),
        ("max_tokens", -5, "must be at least 1"),
        ("max_tokens", 1.5, "must be a whole number"),
        ("max_tokens", True, "must be a whole number"),
        ("max_tokens", 10**12 + 1, "is 1,000,000,000,001; the highest value is 1,000,000,000,000"),
        ("max_cost_usd", -0.1, "must be at least 0"),
        ("max_cost_usd", float("nan"), "must be at least 0"),
        ("max_seconds", 0, "must be at least 0.001"),
        ("max_depth", -1, "must be at least 0"),
        ("max_depth", 33, "is 33; the highest value is 32"),
        ("max_steps", 0, "must be at least 1"),
        ("max_sub_calls", "7", "must be a whole number"),
    ],
)
def test_limit_out_of_bounds_is_named(acme: Tenant, limit: str, value: Any, message: str) -> None:
    assert refused(acme, budget={limit: value}) == {f"budget.{limit}": message}


def test_unknown_limit_is_named(acme: Tenant) -> None:
    assert list(refused(acme, budget={"max_joy": 1})) == ["budget.max_joy"]


def test_all_wrong_fields_are_named_at_once(acme: Tenant) -> None:
    errors = refused(acme, task="", model="nonsense", environment="moon", budget={"max_steps": 0}, tags=["\x00"])
    assert list(errors) == ["task", "model", "environment", "budget.max_steps", "tags.0"]


def test_the_cost_limit_is_a_dollar_where_prices_are_known(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    priced = planned(acme, model="openai/gpt-4o-mini")
    assert (priced.budget.max_cost_usd, priced.cost_limit_given) == (1.0, False)
    mixed = planned(acme, model="openai/gpt-4o-mini", sub_model=MODEL)
    assert (mixed.budget.max_cost_usd, mixed.cost_limit_given) == (None, False)
    given = planned(acme, model="openai/gpt-4o-mini", budget={"max_cost_usd": 0.5})
    assert (given.budget.max_cost_usd, given.cost_limit_given) == (0.5, True)


def test_the_organizations_caps_bound_the_budget(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    acme.organization.max_tokens_per_run = 5000
    acme.organization.max_cost_usd_per_run = Decimal("0.25")
    capped = planned(acme, model="openai/gpt-4o-mini")
    assert (capped.budget.max_tokens, capped.budget.max_cost_usd, capped.cost_limit_given) == (5000, 0.25, True)
    assert planned(acme, budget={"max_tokens": 4000}).budget.max_tokens == 4000
    errors = refused(acme, budget={"max_tokens": 5001, "max_cost_usd": 0.1})
    assert errors == {"budget.max_tokens": "is 5,001; your organization's cap is 5,000"}


def test_the_model_is_the_projects_default_else_the_local_one(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    assert planned(acme, model="").model == MODEL
    acme.project.default_model = "openai/gpt-4o-mini"
    assert planned(acme, model="").model == "openai/gpt-4o-mini"
    assert planned(acme, model=MODEL).model == MODEL


def test_auto_becomes_the_restricted_environment_with_its_level(acme: Tenant) -> None:
    environment = planned(acme, environment="auto").environment
    assert environment.name == "restricted"
    assert environment.level not in {"", "unknown"}


@pytest.mark.parametrize(
    ("task", "title"),
    [
        ("Count.", "Count."),
        ("\n\n  Find   the\tword \nin it", "Find the word"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_title_is_the_first_line(task: str, title: str) -> None:
    assert title_of(task) == title


def test_tags_are_stripped_and_kept_once(acme: Tenant) -> None:
    assert planned(acme, tags=["b", " a ", "b"]).tags == ("b", "a")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"title": "a\x00"}, "must not contain NUL characters or lone surrogates"),
        ({"enum": [["\ud800"]]}, "must not contain NUL characters or lone surrogates"),
        ({"properties": {"\udfff": {}}}, "must not contain NUL characters or lone surrogates"),
        ({"const": math.nan}, "must not contain NaN or Infinity, which JSON does not have"),
        ({"enum": [{"a": math.inf}]}, "must not contain NaN or Infinity, which JSON does not have"),
        ({"const": nested(100)}, "is nested more than 100 levels deep"),
        ({"const": nested(930)}, "is nested more than 100 levels deep"),
    ],
)
def test_schema_that_cannot_be_stored_is_refused(acme: Tenant, schema: dict[str, Any], message: str) -> None:
    assert refused(acme, response_schema=schema) == {"response_schema": message}


def test_a_deep_value_that_can_still_be_written_is_stored(acme: Tenant) -> None:
    assert planned(acme, response_schema={"const": nested(99)}).task == "Count."


def test_what_a_request_leaves_open_the_project_fills(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    project = acme.project
    project.default_sub_model, project.fallback_models = "openai/gpt-4o-mini", [MODEL, "openai/gpt-5-mini"]
    project.max_tokens, project.max_seconds, project.max_steps, project.max_cost_usd = 5000, 60.0, 7, 0.25
    found = planned(acme, model="")
    assert (found.model, found.sub_model, found.fallback_models) == (
        MODEL,
        "openai/gpt-4o-mini",
        ("openai/gpt-5-mini",),
    )
    assert (found.budget.max_tokens, found.budget.max_seconds, found.budget.max_steps) == (5000, 60.0, 7)
    assert (found.budget.max_depth, found.budget.max_cost_usd) == (3, None), "a price is unknown"
    own = planned(acme, sub_model=MODEL, fallback_models=[], budget={"max_tokens": 9000, "max_steps": 9})
    assert (own.sub_model, own.fallback_models, own.budget.max_tokens, own.budget.max_steps) == (MODEL, (), 9000, 9)


def test_the_projects_cost_limit_holds_where_prices_are_known(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    acme.project.max_cost_usd = 0.25
    found = planned(acme, model="openai/gpt-4o-mini")
    assert (found.budget.max_cost_usd, found.cost_limit_given) == (0.25, True)
    acme.organization.max_cost_usd_per_run, acme.organization.max_tokens_per_run = Decimal("0.1"), 1000
    acme.project.max_tokens = 5000
    capped = planned(acme, model="openai/gpt-4o-mini")
    assert (capped.budget.max_cost_usd, capped.budget.max_tokens) == (0.1, 1000), "caps were lowered since"


def test_each_fallback_model_is_checked(acme: Tenant) -> None:
    assert planned(acme, fallback_models=[MODEL]).fallback_models == ()
    errors = refused(acme, fallback_models=[MODEL, "nonsense", "anthropic/x", ""])
    assert list(errors) == ["fallback_models.1", "fallback_models.2", "fallback_models.3"]
    assert errors["fallback_models.1"].startswith("Unknown model 'nonsense'")
    assert errors["fallback_models.2"].startswith("No credentials for anthropic")
    assert refused(acme, fallback_models=[MODEL] * 6) == {"fallback_models": "has 6 items; 5 are allowed"}


def test_an_unpriced_fallback_model_leaves_no_default_cost_limit(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    assert planned(acme, model="openai/gpt-4o-mini", fallback_models=[MODEL]).budget.max_cost_usd is None


def test_own_key_and_price_of_the_organization_count(acme: Tenant, bolt: Tenant) -> None:
    key = set_provider_key(by=acme.principal, provider="groq", api_key="sk-acme")
    assert planned(acme, model="groq/unlisted").budget.max_cost_usd is None
    set_price(by=acme.principal, model="groq/unlisted", input_usd=Decimal(1), output_usd=Decimal(2))
    assert planned(acme, model="groq/unlisted").budget.max_cost_usd == 1.0
    assert refused(bolt, model="groq/unlisted")["model"].startswith("No credentials for groq: add a key under Settings")
    remove_provider_key(by=acme.principal, provider_key_id=key.id)
    assert refused(acme, model="groq/unlisted")["model"].startswith("No credentials for groq")
