"""The list of runs, the launch form and the page of a run."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from rlmlab import scoping
from rlmlab.scoping.pages import encode_cursor
from rlmlab.tenancy.principals import Principal
from tests.console.page import links_of, text_of
from tests.factories.runs import make_run, record, steps
from tests.factories.tenancy import Tenant
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.actions.tags import tag_run
from trajectories.models import DemoCheck, Run

pytestmark = pytest.mark.django_db

LIST = "/o/acme/p/demo/runs"


@pytest.fixture
def run(ada: Principal, acme: Tenant) -> Run:
    return make_run(ada, acme.project, task="How many modules?", tags=["night"])


def rows(client: Client, **query: str) -> list[str]:
    response = client.get(LIST, query, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return [row.split("</a>")[0].rsplit(">", 1)[1] for row in response.content.decode().split("<tr data-run")[1:]]


def test_an_empty_list_says_what_to_do(as_ada: Client, as_vera: Client) -> None:
    assert "Launch the first run" in text_of(as_ada.get(LIST))
    assert "Launch the first run" not in text_of(as_vera.get(LIST))


def test_a_run_stands_in_the_list_with_status_model_and_tags(as_ada: Client, run: Run) -> None:
    response = as_ada.get(LIST)
    page = text_of(response)
    assert "Queued How many modules? – not rated night" in page  # noqa: RUF001  an en dash stands for no value
    assert "gemma-3-270m" in page
    assert f"/runs/{run.id}" in links_of(response)
    assert b"data-live" in response.content


def test_a_run_that_has_ended_shows_what_it_used(as_ada: Client, run: Run) -> None:
    record(run, steps(run, 2))
    response = as_ada.get(LIST)
    assert "Succeeded How many modules?" in text_of(response)
    assert "220" in text_of(response)
    assert b"data-live" not in response.content


def test_the_filter_is_the_grammar_of_the_api(as_ada: Client, run: Run, ada: Principal, acme: Tenant) -> None:
    make_run(ada, acme.project, task="Something else")
    assert rows(as_ada) == ["Something else", "How many modules?"]
    assert rows(as_ada, query="tag:night") == ["How many modules?"]
    assert rows(as_ada, query="status:failed") == []


def test_a_filter_that_cannot_be_read_is_explained(as_ada: Client, run: Run) -> None:
    response = as_ada.get(LIST, {"query": "colour:red"})
    assert response.status_code == 422
    assert '"colour" is not a key; use status, reason, mode, model, prompt, tag,' in text_of(response)
    assert "Rating" not in text_of(response)


def test_a_filter_without_match_is_no_empty_project(as_ada: Client, run: Run) -> None:
    assert "No run matches" in text_of(as_ada.get(LIST, {"query": "nowhere"}))


def test_a_request_by_htmx_gets_the_rows_alone(as_ada: Client, run: Run) -> None:
    part = as_ada.get(LIST, headers={"HX-Request": "true"})
    assert part.content.lstrip().startswith(b'<div id="list">')
    assert part["Vary"].startswith("HX-Request, HX-Target")
    rows_alone = as_ada.get(LIST, headers={"HX-Request": "true", "HX-Target": "rows"})
    assert rows_alone.content.lstrip().startswith(b'<div id="rows">')
    assert b"<!doctype html>" in as_ada.get(LIST).content


def test_older_runs_are_a_page_away(
    as_ada: Client, ada: Principal, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rlmlab.console.views.runs.PAGE", 2)
    for number in range(3):
        make_run(ada, acme.project, task=f"Task {number}")
    first = as_ada.get(LIST)
    assert "Task 2" in text_of(first)
    assert "Task 0" not in text_of(first)
    assert "2 runs shown, more below" in text_of(first)
    cursor = first.context["next_cursor"]
    assert rows(as_ada, cursor=cursor) == ["Task 0"]
    assert "1 older run Newest runs" in text_of(as_ada.get(LIST, {"cursor": cursor}))
    assert "The filter" not in text_of(as_ada.get(LIST, {"query": "Task 0", "cursor": cursor}))


def test_behind_the_last_run_there_is_none(as_ada: Client, run: Run) -> None:
    cursor = encode_cursor(run.created_at, run.id)
    assert "There are no older runs" in text_of(as_ada.get(LIST, {"cursor": cursor}))
    assert as_ada.get(LIST, {"cursor": "nonsense"}).status_code == 422


def test_facets_put_terms_into_the_query_and_chips_take_them_out(as_ada: Client, run: Run) -> None:
    response = as_ada.get(LIST, {"query": "modules tag:night"})
    html = response.content.decode()
    for query in ("status:failed", "model:local/gemma-3-270m", "rating.correct:&lt;0.5", "prompt:v1"):
        assert f'data-query="modules tag:night {query}"' in html
    assert html.count('data-query="modules"') == 2  # the tag's choice and its chip
    assert 'href="?query=modules" data-query="modules" aria-current="true"' in html
    assert 'href="?query=tag%3Anight" data-query="tag:night" title="Take modules out of the query"' in html
    assert "Take out modules Take out tag:night Clear" in text_of(response)
    assert "Failed 0" in text_of(response)


@pytest.mark.parametrize(
    ("value", "said"), [(1.0, "Right 1"), (0.75, "Partly 0.75"), (0.0, "Wrong 0"), (None, "Rated")]
)
def test_a_row_says_what_its_ratings_come_to(
    as_ada: Client, ada: Principal, run: Run, value: float | None, said: str
) -> None:
    record(run, steps(run))
    judgement = Judgement("helpful", 1.0) if value is None else Judgement("correct", value, correction="43")
    rate_run(by=ada, run=run, judgement=judgement)
    found = text_of(as_ada.get(LIST))
    assert f"How many modules? {said}" in found
    assert ("corrected" in found.split("How many modules?")[1]) == (value is not None)
    assert "disputed" not in found.split("How many modules?")[1]


def test_a_row_shows_prompt_version_calls_and_depth(as_ada: Client, run: Run) -> None:
    record(run, steps(run, 2))
    html = as_ada.get(LIST).content.decode()
    assert '<span title="system v1">v1</span>' in html
    assert 'title="2 steps, 0 sub-calls">2</td>' in html


def test_only_who_may_tag_gets_the_editor(as_ada: Client, as_vera: Client, run: Run) -> None:
    for client, edits in ((as_ada, True), (as_vera, False)):
        html = client.get(LIST).content.decode()
        assert ('id="tag-editor"' in html) == ("data-edit-tags" in html) == edits
    assert 'data-known="[&quot;night&quot;]"' in as_ada.get(LIST).content.decode()


def test_a_row_changes_its_state_with_what_it_shows(as_ada: Client, ada: Principal, run: Run) -> None:
    def state() -> str:
        return as_ada.get(LIST).content.decode().split('data-state="')[1].split('"')[0]

    before = state()
    assert state() == before
    tag_run(by=ada, run=run, tags=["day"])
    tagged = state()
    record(run, steps(run))
    ended = state()
    rate_run(by=ada, run=run, judgement=Judgement("correct", 1.0))
    assert len({before, tagged, ended, state()}) == 4


def test_the_list_asks_the_database_as_often_for_three_runs_as_for_one(
    as_ada: Client, ada: Principal, acme: Tenant, run: Run, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    as_ada.get(LIST)  # the session learns the project
    with django_assert_num_queries(1000, exact=False) as one:
        as_ada.get(LIST)
    make_run(ada, acme.project)
    make_run(ada, acme.project)
    with django_assert_num_queries(len(one)):
        as_ada.get(LIST)


def test_the_launch_form_shows_the_defaults(as_ada: Client) -> None:
    response = as_ada.get(f"{LIST}/new")
    html = response.content.decode()
    assert 'placeholder="local/gemma-3-270m"' in html
    assert "tiny local model" in html
    for name in ("max_tokens", "max_cost_usd", "max_seconds", "max_steps", "max_sub_calls", "max_depth"):
        assert f'name="budget.{name}"' in html
        assert f'data-error-for="budget.{name}"' in html


def test_a_viewer_may_not_launch(as_vera: Client) -> None:
    assert as_vera.get(f"{LIST}/new").status_code == 403
    assert f"{LIST}/new" not in links_of(as_vera.get(LIST))


def test_the_page_of_a_run(as_ada: Client, run: Run) -> None:
    response = as_ada.get(f"/runs/{run.id}")
    assert response.status_code == 200
    html = response.content.decode()
    assert f'data-run="{run.id}"' in html
    assert 'data-act="stop"' in html
    assert '<meta name="rlm-organization" content="acme">' in html
    assert "<rlm-outline>" in html
    assert 'data-part="verdict"' not in html


def test_a_viewer_sees_a_run_but_cannot_stop_it(as_vera: Client, run: Run) -> None:
    response = as_vera.get(f"/runs/{run.id}")
    assert response.status_code == 200
    assert b'data-act="stop"' not in response.content


def test_another_organizations_run_is_not_there(as_bo: Client, run: Run) -> None:
    assert as_bo.get(f"/runs/{run.id}").status_code == 404


@pytest.mark.parametrize(
    ("passed", "got", "said"),
    [
        (True, "61", "Right: plain code finds the same answer, 61"),
        (False, "7", "Wrong: plain code finds 61 The run answered 7."),
        (None, "", "Plain code knows the answer and checks it when the run ends"),
    ],
)
def test_the_verdict_on_a_demo_run(as_ada: Client, run: Run, passed: bool | None, got: str, said: str) -> None:
    with scoping.organization(run.organization_id):
        DemoCheck.objects.create(
            organization_id=run.organization_id, run=run, question="How many?", expected="61", got=got, passed=passed
        )
    page = text_of(as_ada.get(f"/runs/{run.id}"))
    assert said in page
    assert "tiny local model" in page


def test_what_people_write_is_escaped(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    run = make_run(ada, acme.project, task="<script>alert(1)</script>")
    for path in (LIST, f"/runs/{run.id}"):
        html = as_ada.get(path).content.decode()
        assert "<script>alert(1)" not in html
        assert "&lt;script&gt;alert(1)" in html
