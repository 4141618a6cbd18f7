"""Where a run comes from and what can be done with it, on its page and in the list; and the form that forks it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.console.conftest import browser_of
from tests.console.page import text_of
from tests.factories.runs import finished_run, reload
from tests.factories.tenancy import Tenant, make_member
from trajectories.actions.forks import Changes, fork_run
from trajectories.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(acme: Tenant) -> Run:
    return reload(finished_run(acme.principal, acme.project, 2, title="First"))


def forked(acme: Tenant, run: Run, title: str = "Second") -> Run:
    return fork_run(by=acme.principal, run=run, at_seq=run.last_seq, changes=Changes(title=title))


def page_of(client: Client, run: Run) -> str:
    return client.get(reverse("run", args=[run.id])).content.decode()


def test_page_links_origin_and_descendants(as_ada: Client, acme: Tenant, run: Run) -> None:
    made = forked(acme, run)
    page = as_ada.get(reverse("run", args=[made.id]))
    assert "Forked from First at step 2" in text_of(page)
    assert f'href="/runs/{run.id}"' in page.content.decode()
    origin = as_ada.get(reverse("run", args=[run.id]))
    assert "From this run: 1 fork" in text_of(origin)
    assert f"?query=origin%3A{run.id}" in origin.content.decode()
    assert "run-lineage" not in page_of(as_ada, finished_run(acme.principal, acme.project))


def test_page_asks_as_often_for_three_descendants_as_for_one(as_ada: Client, acme: Tenant, run: Run) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            page_of(as_ada, run)
        return len(captured)

    forked(acme, run, "one")
    asked()
    one = asked()
    forked(acme, run, "two")
    forked(acme, run, "three")
    assert asked() == one


def test_list_marks_what_came_from_another_run(as_ada: Client, acme: Tenant, run: Run) -> None:
    forked(acme, run)
    html = as_ada.get("/o/acme/p/demo/runs").content.decode()
    assert html.count("runs-origin") == 1
    assert f'class="chip above runs-origin" href="/runs/{run.id}"' in html
    only = text_of(as_ada.get("/o/acme/p/demo/runs?query=is:fork"))
    assert ("Second" in only, "First" in only) == (True, False)


def test_acts_are_those_that_the_role_permits(as_ada: Client, as_vera: Client, run: Run) -> None:
    assert all(f'data-act="{act}"' in page_of(as_ada, run) for act in ("stop", "pause", "resume", "retry", "fork"))
    assert "data-act" not in page_of(as_vera, run)
    assert "go-on" not in page_of(as_vera, run)


def test_fork_page_is_for_those_who_start_runs(acme: Tenant, as_bo: Client, run: Run) -> None:
    address = f"/runs/{run.id}/fork"
    assert Client().get(address).status_code == 302
    assert as_bo.get(address).status_code == 404
    assert browser_of(make_member(acme.organization, "re@acme.example", "reviewer")).get(address).status_code == 403
    assert browser_of(make_member(acme.organization, "ed@acme.example", "editor")).get(address).status_code == 200


def test_fork_page_offers_what_may_differ(as_ada: Client, acme: Tenant, run: Run) -> None:
    html = as_ada.get(reverse("fork", args=[run.id]), {"at": "7"}).content.decode()
    assert f'data-run="{run.id}" data-at="7"' in html
    for name in ("code", "model", "sub_model", "prompt", "environment", "budget.max_tokens", "title", "tags", "seed"):
        assert f'name="{name}"' in html, name
    assert f'placeholder="{run.model}"' in html
    direct = finished_run(acme.principal, acme.project, mode="direct")
    assert 'name="code"' not in as_ada.get(reverse("fork", args=[direct.id])).content.decode()
