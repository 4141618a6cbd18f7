"""What a new run's mode and models come to, and which past runs count."""

from decimal import Decimal
from typing import Any

import pytest

from rlmlab import scoping
from rlmlab.errors import Invalid
from rlmlab.tenancy.actions.prices import set_price
from rlmlab.tenancy.actions.providers import set_provider_key
from tests.factories.runs import MODEL, finished_run, make_run, record, reload, steps
from tests.factories.tenancy import Tenant
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.models import Run
from trajectories.modes import Record
from trajectories.routing import records_of
from trajectories.search.grammar import parse
from trajectories.search.pages import page_of
from trajectories.specs import Shared, Shown, root_data, run_spec


def made(acme: Tenant, **fields: Any) -> Run:
    return make_run(acme.principal, acme.project, **fields)


def rated(acme: Tenant, value: float, **fields: Any) -> Run:
    run = finished_run(acme.principal, acme.project, **fields)
    rate_run(by=acme.principal, run=run, judgement=Judgement("correct", value))
    return run


def test_run_is_recursive_unless_asked_otherwise(acme: Tenant) -> None:
    run = made(acme)
    assert (run.mode, run.mode_reason, run.depth_models) == ("rlm", "", [])
    assert made(acme, mode="repl").mode == "repl"


def test_small_input_is_asked_about_in_one_call_when_left_to_us(acme: Tenant) -> None:
    run = made(acme, mode="auto", context="short")
    assert (run.mode, run.prompt_version) == ("direct", None)
    assert run.mode_reason == "the input has at most 2 tokens, few enough for one plain call"
    spec = run_spec(run, [], None, Shown(), Shared())  # type: ignore[arg-type]
    assert (spec.mode, spec.mode_reason) == ("direct", run.mode_reason)
    assert root_data(run)["mode_reason"] == run.mode_reason


def test_what_needs_a_repl_gets_one(acme: Tenant) -> None:
    run = made(acme, mode="auto", context="short", use_memory=True)
    assert (run.mode, run.mode_reason) == ("rlm", "what was asked for needs a REPL")
    assert run.prompt_version is not None


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"mode": "direct", "context": "x" * 200_000}, "mode", "the input may have 66,667 tokens"),
        ({"mode": "direct", "use_memory": True}, "use_memory", "has no REPL"),
        ({"mode": "direct", "prompt": "v1"}, "prompt", "has no REPL"),
        ({"mode": "fast"}, "mode", "must be one of direct, repl, rlm, auto"),
        ({"depth_models": ["local/gemma-3-270m", "nobody/x"]}, "depth_models.1", "Unknown model"),
        ({"depth_models": ["openai/x"]}, "depth_models.0", "and model another one"),
        ({"depth_models": [""] * 21}, "depth_models", "has 21 items"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(acme: Tenant, fields: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        made(acme, **fields)
    assert [error.field for error in refused.value.errors] == [field]
    assert message in refused.value.errors[0].message


def test_table_by_depth_gives_the_root_its_model(acme: Tenant) -> None:
    run = made(acme, model="", depth_models=[MODEL, "", f" {MODEL} "])
    assert (run.model, run.depth_models) == (MODEL, [MODEL, "", MODEL])
    assert made(acme, depth_models=["", MODEL]).depth_models == [MODEL, MODEL]


def test_unpriced_model_of_the_table_leaves_the_cost_unlimited(acme: Tenant) -> None:
    set_price(by=acme.principal, model=MODEL, input_usd=Decimal(1), output_usd=Decimal(1))
    set_provider_key(by=acme.principal, provider="openai", api_key="sk-ada")
    assert made(acme).max_cost_usd == 1.0
    assert made(acme, depth_models=["", "openai/not-priced"]).max_cost_usd is None


def records(acme: Tenant, size: int = 100) -> dict[str, Record]:
    with scoping.organization(acme.organization):
        return records_of(acme.project, MODEL, size)


def test_judged_runs_count_by_mode(acme: Tenant) -> None:
    rated(acme, 1.0)
    rated(acme, 0.2)
    rated(acme, 0.8, mode="repl")
    finished_run(acme.principal, acme.project)
    assert records(acme) == {"rlm": Record(2, 1, 2, 0.002), "repl": Record(1, 1, 1, 0.001)}


def test_run_that_ran_out_counts_as_bad_and_one_that_failed_otherwise_does_not(acme: Tenant) -> None:
    for reason in ("budget", "cancelled"):
        run = made(acme)
        record(run, steps(run, finish_reason=reason if reason == "cancelled" else "fallback"))
        with scoping.organization(acme.organization):
            Run.objects.for_org(acme.organization).filter(id=run.id).update(finish_reason=reason)
        assert reload(run).finish_reason == reason
    assert records(acme) == {"rlm": Record(1, 0, 1, 0.001)}


def test_inputs_of_another_size_do_not_count(acme: Tenant) -> None:
    rated(acme, 1.0, context="x" * 40_000)
    assert records(acme, 100) == {}
    assert records(acme, 9_000) == {}
    assert records(acme, 10_000) == {"rlm": Record(1, 1, 1, 0.001)}
    assert records(acme, 160_003) == {"rlm": Record(1, 1, 1, 0.001)}
    assert records(acme, 160_004) == {}


def test_measured_runs_change_the_choice(acme: Tenant) -> None:
    for good in [True] * 12:
        rated(acme, float(good), context="x")
    for good in [False] * 12:
        rated(acme, float(good), context="x", mode="direct")
    run = made(acme, mode="auto", context="x")
    assert run.mode == "rlm"
    assert run.mode_reason.startswith("it went better here: 12 of 12 good")


def test_other_organizations_and_models_do_not_count(acme: Tenant, bolt: Tenant) -> None:
    run = finished_run(bolt.principal, bolt.project)
    rate_run(by=bolt.principal, run=run, judgement=Judgement("correct", 1.0))
    assert records(acme) == {}
    rated(acme, 1.0)
    with scoping.organization(acme.organization):
        assert records_of(acme.project, "local/other", 100) == {}


def test_runs_are_found_by_their_mode(acme: Tenant) -> None:
    direct = finished_run(acme.principal, acme.project, mode="direct")
    finished_run(acme.principal, acme.project)
    with scoping.organization(acme.organization):
        found = page_of(acme.project, parse("mode:direct,repl"), cursor="", limit=10).items
        assert [run.id for run in found] == [direct.id]
    with pytest.raises(Invalid, match="any of direct, repl, rlm"):
        parse("mode:auto")
