"""What the run page says of ratings, to whom it offers what, and what the launch form offers to learn from."""

import re

import pytest
from django.test import Client

from memory.actions import add_memory, pin_memory
from rlmlab.tenancy.actions.projects import configure_project
from rlmlab.tenancy.principals import Principal
from tests.console.conftest import browser_of
from tests.console.page import links_of, text_of
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant, make_member
from trajectories.actions.examples import make_example
from trajectories.actions.ratings import Judgement, rate_run

pytestmark = pytest.mark.django_db

LIST = "/o/acme/p/demo/runs"


def test_the_page_of_a_run_says_how_it_was_rated(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    run = finished_run(ada, acme.project)
    unrated = as_ada.get(f"/runs/{run.id}").content.decode()
    assert re.search(r'<span class="row run-rated" data-part="rated">\s*</span>', unrated)
    assert f'data-me="{ada.actor.id}"' in unrated
    assert f'data-item="/o/acme/p/demo/runs/{run.id}/item"' in unrated
    rate_run(by=ada, run=run, judgement=Judgement("correct", 0.25, correction="43"))
    example = make_example(by=ada, run=run)
    response = as_ada.get(f"/runs/{run.id}")
    assert "Rated correct 0.25 corrected example" in text_of(response)
    assert f"/o/acme/p/demo/examples/{example.id}" in links_of(response)
    rita = make_member(acme.organization, "rita@acme.example", "reviewer")
    rate_run(by=rita, run=run, judgement=Judgement("correct", 1.0))
    again = as_ada.get(f"/runs/{run.id}")
    assert "Rated correct 0.63 corrected disputed example" in text_of(again)
    assert "2 raters" in again.content.decode()


def test_only_other_dimensions_make_no_verdict(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    run = finished_run(ada, acme.project)
    rate_run(by=ada, run=run, judgement=Judgement("helpful", 0.0))
    page = as_ada.get(f"/runs/{run.id}")
    assert re.search(r'<span class="chip" title="1 rater">rated</span>', page.content.decode())


@pytest.mark.parametrize(
    ("role", "offered"),
    [("viewer", []), ("reviewer", ["data-rates"]), ("editor", ["data-rates", "data-makes", "data-item"])],
)
def test_who_may_rate_and_make_something_of_it(ada: Principal, acme: Tenant, role: str, offered: list[str]) -> None:
    run = finished_run(ada, acme.project)
    member = browser_of(make_member(acme.organization, "max@acme.example", role))
    (element,) = re.findall(r"<rlm-rating[^>]*>", member.get(f"/runs/{run.id}").content.decode())
    assert [name for name in ("data-rates", "data-makes", "data-item") if name in element] == offered


def test_the_launch_form_says_what_there_is_to_learn_from(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    page = text_of(as_ada.get(f"{LIST}/new"))
    assert "None yet. Rate or correct a run, then make an example of it ." in page
    assert "There are no memories yet." in page
    run = finished_run(ada, acme.project)
    rate_run(by=ada, run=run, judgement=Judgement("correct", 1.0))
    make_example(by=ada, run=run)
    for text in ("One.", "Two."):
        kept = add_memory(by=ada, project=acme.project, text=text).memory
    pin_memory(by=ada, memory_id=kept.id, pinned=True)
    response = as_ada.get(f"{LIST}/new")
    assert "The best fitting of 1 example , eight at most." in text_of(response)
    assert "It has 2 memories , 1 of them pinned: read from the start." in text_of(response)
    assert not re.search(r'name="use_(examples|memory)"\s+checked', response.content.decode())
    configure_project(by=ada, project=acme.project, changes={"use_examples": True, "use_memory": True})
    html = as_ada.get(f"{LIST}/new").content.decode()
    assert len(re.findall(r'name="use_(?:examples|memory)"\s+checked', html)) == 2
