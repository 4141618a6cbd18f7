"""The examples page: list, search, one example as prompts get it, retiring it and making it again."""

import re
from typing import Any

import pytest
from django.test import Client

from rlmlab import scoping
from rlmlab.tenancy.actions.projects import create_project
from tests.console.conftest import browser_of
from tests.console.page import links_of, text_of
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant
from trajectories.actions.examples import make_example
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.models import Example, Run

pytestmark = pytest.mark.django_db

EXAMPLES = "/o/acme/p/demo/examples"


def example(acme: Tenant, task: str, value: float = 1.0, **judgement: Any) -> Example:
    run = finished_run(acme.principal, acme.project, task=task)
    rate_run(by=acme.principal, run=run, judgement=Judgement("correct", value, **judgement))
    return make_example(by=acme.principal, run=run)


def tasks(response: Any) -> list[str]:
    return re.findall(r'<a class="cover clip" href="/o/acme/p/demo/examples/[^"]+">([^<]*)<', response.content.decode())


@pytest.fixture
def as_owner(acme: Tenant) -> Client:
    return browser_of(acme.principal)


def test_an_empty_list_teaches_the_way(as_owner: Client) -> None:
    response = as_owner.get(EXAMPLES)
    page = text_of(response)
    assert "No examples yet" in page
    assert re.search(r"choose Rate \. .*say what the answer should have been\. .*Make an example of it", page)
    assert "/o/acme/p/demo/runs" in links_of(response)


def test_the_list_says_kind_task_run_rater_and_use(as_owner: Client, acme: Tenant) -> None:
    good = example(acme, "Count the birds.")
    example(acme, "Name the fishes.", value=0.0, correction=["cod"])
    make_run(acme.principal, acme.project, task="Count the ducks, which are birds.", use_examples=True)
    response = as_owner.get(EXAMPLES)
    page = text_of(response)
    assert tasks(response) == ["Name the fishes.", "Count the birds."]
    assert re.search(r"Corrected Name the fishes\. Run of .* UTC ada@acme\.example 0 runs", page)
    assert re.search(r"Good run Count the birds\. Run of [^c]* UTC ada@acme\.example 1 run ", page)
    assert {f"/runs/{good.run_id}", f"{EXAMPLES}/{good.id}"} <= links_of(response)
    assert "Active 2 Retired 0" in page


def test_search_finds_words_of_the_task(as_owner: Client, acme: Tenant) -> None:
    example(acme, "Count the birds."), example(acme, "Name the fishes.")
    found = as_owner.get(f"{EXAMPLES}?query=bird", headers={"HX-Request": "true"})
    assert tasks(found) == ["Count the birds."]
    assert b"<nav" not in found.content
    assert "No example matches" in text_of(as_owner.get(f"{EXAMPLES}?query=nothing"))


def test_pages_follow_each_other(as_owner: Client, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlmlab.console.views.examples.PAGE", 1)
    example(acme, "Count the birds."), example(acme, "Name the fishes.")
    response = as_owner.get(EXAMPLES)
    assert tasks(response) == ["Name the fishes."]
    (older,) = re.findall(r'href="(\?status=active&amp;query=&amp;cursor=[^"]+)"', response.content.decode())
    assert tasks(as_owner.get(EXAMPLES + older.replace("&amp;", "&"))) == ["Count the birds."]
    refused = as_owner.get(f"{EXAMPLES}?cursor=x")
    assert refused.status_code == 422
    assert "is not a cursor of this list" in text_of(refused)


def test_an_example_shows_the_text_that_prompts_get(as_owner: Client, acme: Tenant) -> None:
    found = example(acme, "Count the <b>birds</b>.", value=0.25, correction="43", comment="One more.")
    user = make_run(acme.principal, acme.project, task="Count the ducks, which are birds.", use_examples=True)
    response = as_owner.get(f"{EXAMPLES}/{found.id}")
    page = text_of(response)
    assert "Right answer: 43" in page
    assert "Count the &lt;b&gt;birds&lt;/b&gt;." in response.content.decode()
    assert re.search(r"Kind Corrected From the run Count the <b>birds</b>\. ", page)
    assert "by ada@acme.example Judged by ada@acme.example Rating Correct 0.25 Comment One more." in page
    assert "Used by 1 run Count the ducks, which are birds. Queued" in page
    assert {f"/runs/{found.run_id}", f"/runs/{user.id}"} <= links_of(response)


def test_an_example_that_nobody_used_says_when_one_would(as_owner: Client, acme: Tenant) -> None:
    page = text_of(as_owner.get(f"{EXAMPLES}/{example(acme, 'Count the birds.').id}"))
    assert "None yet. A run gets it when it is launched with examples on" in page


def test_retiring_can_be_undone(as_owner: Client, acme: Tenant) -> None:
    found = example(acme, "Count the birds.")
    retired = as_owner.post(f"{EXAMPLES}/{found.id}/retire", follow=True)
    page = text_of(retired)
    assert "Retired: no further run gets it." in page
    assert "Undo: make it again" in page
    assert tasks(as_owner.get(EXAMPLES)) == []
    assert tasks(as_owner.get(f"{EXAMPLES}?status=retired")) == ["Count the birds."]
    again = as_owner.post(f"{EXAMPLES}/{found.id}/renew", follow=True)
    assert "Retired" not in text_of(again)
    assert tasks(as_owner.get(EXAMPLES)) == ["Count the birds."]
    successor = as_owner.get(f"{EXAMPLES}/{found.id}")
    assert "Its successor" in text_of(successor)
    assert "Undo" not in text_of(successor)


def test_why_an_example_cannot_be_made_again_is_said(as_owner: Client, acme: Tenant) -> None:
    found = example(acme, "Count the birds.")
    as_owner.post(f"{EXAMPLES}/{found.id}/retire")
    with scoping.organization(acme.organization):
        run = Run.objects.get(id=found.run_id)
    rate_run(by=acme.principal, run=run, judgement=Judgement("safety", 0.0))
    response = as_owner.post(f"{EXAMPLES}/{found.id}/renew", follow=True)
    assert "This run failed in safety, so it cannot become an example." in text_of(response)
    assert "Retired" in text_of(response)


def test_a_rating_that_changed_since_is_marked(as_owner: Client, acme: Tenant) -> None:
    found = example(acme, "Count the birds.")
    with scoping.organization(acme.organization):
        run = Run.objects.get(id=found.run_id)
    rate_run(by=acme.principal, run=run, judgement=Judgement("correct", 0.9))
    assert "Rating Correct 1 changed since" in text_of(as_owner.get(f"{EXAMPLES}/{found.id}"))


def test_a_viewer_looks_and_does_not_touch(as_vera: Client, acme: Tenant) -> None:
    found = example(acme, "Count the birds.")
    assert tasks(as_vera.get(EXAMPLES)) == ["Count the birds."]
    page = text_of(as_vera.get(f"{EXAMPLES}/{found.id}"))
    assert "Answer" in page
    assert "Retire" not in page
    for what in ("retire", "renew"):
        assert as_vera.post(f"{EXAMPLES}/{found.id}/{what}").status_code == 403


def test_an_example_of_another_project_or_organization_is_not_found(
    as_owner: Client, as_bo: Client, acme: Tenant
) -> None:
    found = example(acme, "Count the birds.")
    create_project(by=acme.principal, slug="other")
    path = f"/o/acme/p/other/examples/{found.id}"
    assert as_owner.get(path).status_code == 404
    assert as_owner.post(f"{path}/retire").status_code == 404
    assert as_bo.get(f"{EXAMPLES}/{found.id}").status_code == 404
    with scoping.organization(acme.organization):
        assert Example.objects.get(id=found.id).retired_at is None
