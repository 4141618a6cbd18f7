"""An organization at a glance."""

import pytest
from django.test import Client

from rlmlab import scoping
from rlmlab.console.charts import bars
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from tests.console.conftest import browser_of
from tests.console.page import links_of, text_of
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant, make_member
from tests.trajectories.test_usage import FAILED, run_of

pytestmark = pytest.mark.django_db

PAGE = "/o/acme"


def test_without_projects_it_says_what_to_do(as_ada: Client, as_vera: Client, acme: Tenant) -> None:
    with scoping.organization(acme.organization):
        Project.objects.all().delete()
    page = as_ada.get(PAGE)
    assert "No projects yet" in text_of(page)
    assert "New project" in text_of(page)
    assert "An admin or an owner can create the first one." in text_of(as_vera.get(PAGE))


def test_without_runs_it_offers_the_first(as_ada: Client, as_vera: Client) -> None:
    page = as_ada.get(PAGE)
    assert "No runs yet" in text_of(page)
    assert "/o/acme/p/demo/runs/new" in links_of(page)
    assert "An editor can launch the first one." in text_of(as_vera.get(PAGE))
    assert "Last 30 days" not in text_of(page)


def test_runs_tokens_and_cost_are_summed(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    finished_run(ada, acme.project, 3)
    make_run(ada, acme.project)
    page = text_of(as_ada.get(PAGE))
    assert "Runs, 30 days 2 2 in the last 7 Now 0 running 1 queued Succeeded 100 % 0 failed" in page
    assert "Cost, 30 days $0.0030 Tokens, 30 days 330" in page
    assert "demo 2 0 2 2 100 % $0.0030 330" in page
    assert "Cost a day up to $0.0030" in page
    assert "No run failed in the last 30 days." in page


def test_what_has_no_price_is_said(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    run_of(ada, acme.project, 1, **FAILED, cost_usd=None)
    page = text_of(as_ada.get(PAGE))
    assert "Cost, 30 days no price and 1 run without a price" in page
    assert "no known cost" in page
    run_of(ada, acme.project, 1, **FAILED, cost_usd=2.5)
    page = text_of(as_ada.get(PAGE))
    assert "Cost, 30 days $2.50 and 1 run without a price" in page
    assert "$2.50 + ?" in page


def test_failures_lead_to_their_runs(as_vera: Client, ada: Principal, acme: Tenant) -> None:
    run = run_of(ada, acme.project, 1, **FAILED, error_message="The sandbox <b>died</b>.")
    page = as_vera.get(PAGE)
    assert f"/runs/{run.id}" in links_of(page)
    assert "The sandbox &lt;b&gt;died&lt;/b&gt;." in page.content.decode()
    assert "Succeeded 0 % 1 failed" in text_of(page)


def test_the_picture_has_no_inline_style(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    run_of(ada, acme.project, 2, **FAILED)
    content = as_ada.get(PAGE).content.decode()
    assert content.count('class="bar-failed"') == 30
    assert '<rect class="bar" x="270" y="0.0" width="8" height="40.0"></rect>' in content
    assert "style=" not in content


def test_every_member_may_look(acme: Tenant) -> None:
    for role in ("admin", "editor", "reviewer"):
        person = make_member(acme.organization, f"{role}@acme.example", role)
        assert browser_of(person).get(PAGE).status_code == 200


def test_bars_are_scaled_to_the_highest_and_never_vanish() -> None:
    drawn = bars([0, 1, 1000], [0, 0, 500])
    assert [(bar.x, bar.height, bar.y) for bar in drawn] == [(0, 0.0, 40.0), (10, 1.5, 38.5), (20, 40.0, 0.0)]
    assert [(bar.part, bar.part_y) for bar in drawn] == [(0.0, 40.0), (0.0, 40.0), (20.0, 20.0)]
    assert [bar.height for bar in bars([0.0, 0.0])] == [0.0, 0.0]
