"""What a project's runs can be filtered by with a click."""

import pytest

from rlmlab import scoping
from rlmlab.errors import Invalid
from tests.factories.experiments import make_experiment
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant
from trajectories.search.facets import Choice, Facet, facets_in
from trajectories.search.grammar import parse


def facets(tenant: Tenant, query: str = "") -> dict[str, Facet]:
    with scoping.organization(tenant.organization):
        return {facet.name: facet for facet in facets_in(tenant.project, parse(query))}


def choice(facet: Facet, label: str) -> Choice:
    return next(choice for choice in facet.choices if choice.label == label)


def test_a_project_without_runs_has_statuses_and_ratings_to_choose(acme: Tenant) -> None:
    found = facets(acme)
    assert list(found) == ["Status", "Model", "Mode", "Tag", "Rating", "Prompt"]
    assert choice(found["Status"], "failed") == Choice("failed", "status:failed", active=False, count=0)
    assert [found[name].choices for name in ("Model", "Tag", "Prompt")] == [[], [], []]
    assert [choice.query for choice in found["Mode"].choices] == ["mode:direct", "mode:repl", "mode:rlm"]
    assert found["Tag"].empty == "No run has a tag yet."


def test_choices_are_those_in_use_the_frequent_ones_first(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    finished_run(acme.principal, acme.project, tags=["a", "b"])
    make_run(acme.principal, acme.project, tags=["b"], model="openai/gpt-4o")
    make_run(acme.principal, acme.project, model="openai/gpt-4o")
    make_experiment(acme.principal, acme.project, items=1)
    found = facets(acme)
    assert [(item.label, item.count) for item in found["Tag"].choices] == [("b", 2), ("a", 1)]
    assert [(item.label, item.count) for item in found["Model"].choices] == [
        ("openai/gpt-4o", 2),
        ("local/gemma-3-270m", 1),
    ]
    assert [(item.label, item.count) for item in found["Prompt"].choices] == [("v2", 0), ("v1", 3)]
    assert {item.label: item.count for item in found["Status"].choices if item.count} == {"queued": 2, "succeeded": 1}


def test_a_choice_changes_its_own_term_of_the_query(acme: Tenant) -> None:
    make_run(acme.principal, acme.project, tags=["two words", "b"])
    found = facets(acme, "word status:failed,queued tag:b rating.correct:<0.5")
    rest = "tag:b rating.correct:<0.5"
    assert choice(found["Status"], "failed") == Choice("failed", f"word status:queued {rest}", active=True, count=0)
    assert choice(found["Status"], "paused").query == f"word status:failed,queued,paused {rest}"
    assert choice(found["Tag"], "b").query == "word status:failed,queued rating.correct:<0.5"
    assert choice(found["Tag"], "two words").query == f'word status:failed,queued {rest} tag:"two words"'
    assert [found[name].active for name in ("Status", "Model", "Tag", "Rating")] == [2, 0, 1, 1]


def test_one_judgement_takes_the_place_of_another(acme: Tenant) -> None:
    ratings = facets(acme, "x rating.correct:<0.5")["Rating"]
    assert {item.label: item.query for item in ratings.choices} == {
        "Right": "x rating.correct:>=0.8",
        "Wrong": "x",
        "Disputed": "x is:disputed",
        "Corrected": "x has:correction",
        "Not rated": "x -has:rating",
    }
    assert [item.count for item in ratings.choices] == [None] * 5


def test_counts_are_left_out_where_they_would_not_be_of_all_runs(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trajectories.search.facets.COUNTED", 1)
    make_run(acme.principal, acme.project, tags=["old"])
    assert choice(facets(acme)["Tag"], "old").count == 1
    make_run(acme.principal, acme.project, tags=["new"])
    assert choice(facets(acme)["Tag"], "new").count is None


def test_what_another_organization_has_is_not_offered(acme: Tenant, bolt: Tenant) -> None:
    make_run(bolt.principal, bolt.project, tags=["secret"])
    with scoping.organization(acme.organization):
        found = {facet.name: facet.choices for facet in facets_in(bolt.project, [])}
    assert [found[name] for name in ("Model", "Tag", "Prompt")] == [[], [], []]


def test_every_query_that_is_offered_can_be_read(acme: Tenant) -> None:
    make_run(acme.principal, acme.project, tags=['say "hi"', "a,b", "-x", "back\\"])
    for facet in facets(acme, '"free text"').values():
        for item in facet.choices:
            try:
                parse(item.query)
            except Invalid as error:
                pytest.fail(f"{item.query}: {error}")
