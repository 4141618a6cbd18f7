"""The query grammar of run lists."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlmlab.errors import Invalid
from tests.factories.experiments import make_experiment, runs_of
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant
from trajectories import search
from trajectories.queries import runs_page
from trajectories.search import Term


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", []),
        ("  ", []),
        ("status:failed", [Term("status", "failed")]),
        ('model:gpt* "free text" word', [Term("model", "gpt*"), Term("", "free text"), Term("", "word")]),
        ('tag:"two words"', [Term("tag", "two words")]),
        ('"status:failed"', [Term("", "status:failed")]),
    ],
)
def test_terms(query: str, terms: list[Term]) -> None:
    assert search.parse(query) == terms


@pytest.mark.parametrize(
    "query", ["owner:ada", "depth:>3", '"open', 'a "b', "x" * 1001, "a\x00b", "status:odd", "purpose:fun"]
)
def test_what_cannot_be_understood_is_refused(query: str) -> None:
    with pytest.raises(Invalid) as caught:
        search.condition(query)
    assert caught.value.errors[0].field == "query"


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(query: str) -> None:
    with suppress(Invalid):
        assert all(term.key in {"", *search.KEYS} for term in search.parse(query))


def test_queries_find_what_they_say(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    finished_run(acme.principal, acme.project, task="Find the needle", tags=["x", "two words"])
    make_run(acme.principal, acme.project, task="Count 100% of (words)", model="openai/gpt-4o-mini")

    def found(query: str) -> list[str]:
        return [run.title for run in runs_page(acme.principal, acme.project, query=query).items]

    needle, words = "Find the needle", "Count 100% of (words)"
    assert found("") == [words, needle]
    assert found("status:succeeded") == [needle]
    assert found("status:queued model:gpt*") == [words]
    assert found("model:openai/*") == [words]
    assert found("model:gpt-4o") == []
    assert found("model:GPT-4O-MINI") == [words]
    assert found("tag:x") == [needle]
    assert found('tag:"two words" tag:x') == [needle]
    assert found("tag:y") == []
    assert found("NEEDLE") == [needle]
    assert found('"100% of (w"') == [words]
    assert found("needle status:queued") == []


def test_runs_of_experiments_are_listed_only_where_they_are_asked_for(acme: Tenant) -> None:
    mine = make_run(acme.principal, acme.project, task="Mine")
    experiment = make_experiment(acme.principal, acme.project, items=1)

    def found(query: str) -> list[str]:
        return [run.title for run in runs_page(acme.principal, acme.project, query=query).items]

    assert found("") == found("status:queued") == found("purpose:user") == [mine.title]
    assert found("purpose:evaluation") == ["Add 1 and 1."] * 2
    assert len(runs_of(experiment)) == 2
