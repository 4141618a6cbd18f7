"""The pages about experiments."""

import pytest
from django.test import Client

from rlmlab.tenancy.principals import Principal
from tests.console.page import links_of, text_of
from tests.factories.datasets import make_dataset
from tests.factories.experiments import answer_all, make_experiment, make_version, runs_of
from tests.factories.runs import MODEL, finished_run
from tests.factories.tenancy import Tenant
from trajectories.improvement.evaluation import experiments_page
from trajectories.models import Experiment

pytestmark = pytest.mark.django_db

LIST = "/o/acme/p/demo/experiments"
FORM = {"dataset": "sums", "split": "holdout", "baseline": "1", "candidate": "2", "model": MODEL}


@pytest.fixture
def prepared(ada: Principal, acme: Tenant) -> Tenant:
    make_version(ada, acme.project)
    make_dataset(ada, acme.project, 3)
    return acme


def finished(by: Principal, tenant: Tenant, *, wins: int, losses: int, items: int = 20) -> Experiment:
    experiment = make_experiment(by, tenant.project, items=items)
    right = {(number, "candidate"): str(number + 1) for number in range(1, wins + 1)}
    right |= {(number, "baseline"): str(number + 1) for number in range(wins + 1, wins + losses + 1)}
    answer_all(experiment, right, otherwise="unknown")
    return experiment


def test_an_empty_list_says_what_to_do(as_ada: Client, as_vera: Client) -> None:
    assert "Start the first experiment" in text_of(as_ada.get(LIST))
    assert "When an editor starts one, it appears here." in text_of(as_vera.get(LIST))


def test_without_a_dataset_the_form_leads_to_datasets(as_ada: Client) -> None:
    page = as_ada.get(f"{LIST}/new")
    assert "An experiment needs a dataset" in text_of(page)
    assert "/o/acme/p/demo/datasets" in links_of(page)


def test_the_form_is_filled_in_and_says_what_it_would_take(as_ada: Client, prepared: Tenant) -> None:
    page = as_ada.get(f"{LIST}/new", {"dataset": "sums", "candidate": "2", "model": MODEL})
    assert page.status_code == 200
    text = text_of(page)
    assert "6 runs: both arms on 3 items" in text
    assert "Their cost has no limit, since a price is unknown." in text
    assert "Fewer than 20 items decide nothing" in text
    assert "v1 · production" in text
    html = page.content.decode()
    assert '<option value="1" selected>v1 · production' in html
    assert '<option value="2" selected>v2' in html


def test_an_empty_model_field_shows_what_it_means_not_the_latest_model(
    as_ada: Client, ada: Principal, prepared: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    finished_run(ada, prepared.project, model="openai/gpt-5-mini")
    html = as_ada.get(f"{LIST}/new").content.decode()
    assert '<option value="openai/gpt-5-mini">' in html
    assert f'placeholder="{MODEL}"' in html
    assert 'placeholder="openai/gpt-5-mini"' not in html


def test_the_estimate_alone_answers_htmx(as_ada: Client, ada: Principal, prepared: Tenant) -> None:
    finished_run(ada, prepared.project)
    part = as_ada.get(f"{LIST}/new", FORM | {"max_cost_usd": "0.5"}, headers={"HX-Request": "true"})
    assert b"<!doctype" not in part.content
    text = text_of(part)
    assert "They cost at most $3.00, the sum of their limits." in text
    assert "Going by the last 1 run with this model: about $0.0060 in all and 1.0 s a run." in text
    refused = as_ada.get(f"{LIST}/new", FORM | {"candidate": "1", "model": "nonsense"}, headers={"HX-Request": "true"})
    text = text_of(refused)
    assert "This cannot be started yet" in text
    assert "Candidate: is the same as the baseline" in text
    assert "Model: Unknown model" in text


def test_an_experiment_is_started(as_ada: Client, ada: Principal, prepared: Tenant) -> None:
    answer = as_ada.post(f"{LIST}/new", FORM | {"max_steps": "4", "candidate_examples": "on"})
    assert answer.status_code == 302, text_of(answer)
    ((made, _),) = experiments_page(ada, prepared.project).items
    assert answer["Location"] == f"{LIST}/{made.id}"
    assert (made.candidate_examples, made.plan["budget"]["max_steps"], made.plan["model"]) == (True, 4, MODEL)
    page = text_of(as_ada.get(answer["Location"]))
    assert "Running The verdict comes when all runs have ended." in page
    assert "0 of 6 runs have ended" in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"candidate": "1"}, "is the same as the baseline"),
        ({"max_steps": "0"}, "must be at least 1"),
        ({"max_tokens": "many"}, "Enter a whole number."),
        ({"split": "dev"}, "the dataset has no items of the split dev"),
        ({"dataset": "odd"}, "Select a valid choice"),
    ],
)
def test_a_wrong_field_is_told_and_nothing_is_started(
    as_ada: Client, ada: Principal, prepared: Tenant, change: dict[str, str], message: str
) -> None:
    answer = as_ada.post(f"{LIST}/new", FORM | change)
    assert answer.status_code == 422
    assert message in text_of(answer)
    assert experiments_page(ada, prepared.project).items == []


def test_a_clear_result_is_said_in_words(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    experiment = finished(ada, acme, wins=8, losses=1)
    page = as_ada.get(f"{LIST}/{experiment.id}")
    text = text_of(page)
    assert "Better v2 answers more of these items than v1: 8 better, 1 worse of 20." in text
    assert "Chance alone would do this once in 51 times." in text
    assert "Difference +35 points (" in text
    assert "p 0.0195" in text
    assert "Candidate v2 8 of 20 40 % $0.20" in text
    assert "All 20 ▲ better 8 ▼ worse 1 = both wrong 11" in text
    html = page.content.decode()
    assert 'aria-label="8 ▲ better, 11 = both wrong, 1 ▼ worse"' in html
    assert '<rect class="bar-win" x="0" y="0" width="8" height="1">' in html
    assert "hx-trigger" not in html
    promote = f"/o/acme/p/demo/prompts/system/labels/move?label=production&amp;version=2&amp;experiment={experiment.id}"
    assert promote in links_of(page)
    assert as_ada.get(promote.replace("&amp;", "&")).status_code == 200
    assert "/o/acme/p/demo/prompts/system?version=2" in links_of(page)
    run = runs_of(experiment)[1, "candidate"]
    assert f"/runs/{run.id}" in links_of(page)
    listed = text_of(as_ada.get(LIST))
    assert "40 of 40 ▲ 8 ▼ 1 0.0195 Better" in listed


@pytest.mark.parametrize(
    ("wins", "losses", "said"),
    [
        (1, 8, "Worse v2 answers fewer of these items than v1: 1 better, 8 worse of 20."),
        (4, 3, "No difference shown 4 better, 3 worse of 20: chance alone would do this 50 % of the time."),
        (3, 0, "Insufficient 3 better, 0 worse of 20 compared: too little to tell"),
        (3, 0, "At these rates it needs ≈ 32 more items."),
    ],
)
def test_other_verdicts(as_ada: Client, ada: Principal, acme: Tenant, wins: int, losses: int, said: str) -> None:
    experiment = finished(ada, acme, wins=wins, losses=losses)
    assert said in text_of(as_ada.get(f"{LIST}/{experiment.id}"))


def test_items_are_filtered_by_what_they_say(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    experiment = finished(ada, acme, wins=1, losses=1, items=3)
    path = f"{LIST}/{experiment.id}"
    assert "Add 1 and 1." in text_of(as_ada.get(path, {"kind": "win"}))
    assert "Add 2 and 1." not in text_of(as_ada.get(path, {"kind": "win"}))
    assert "No such item" in text_of(as_ada.get(path, {"kind": "missing"}))
    assert "Add 3 and 1." in text_of(as_ada.get(path, {"kind": "odd"}))


def test_results_alone_answer_htmx_while_runs_go_on(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    experiment = make_experiment(ada, acme.project, items=2)
    part = as_ada.get(f"{LIST}/{experiment.id}", headers={"HX-Request": "true"})
    assert part.content.lstrip().startswith(b'<div id="results" hx-get="?kind="')
    assert "HX-Request" in part["Vary"]


def test_an_experiment_is_stopped(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    experiment = make_experiment(ada, acme.project, items=2)
    stopped = as_ada.post(f"{LIST}/{experiment.id}/cancel", follow=True)
    text = text_of(stopped)
    assert "What waited is stopped" in text
    assert "Insufficient" in text
    assert "All 2 missing 2" in text
    again = as_ada.post(f"{LIST}/{experiment.id}/cancel", follow=True)
    assert "The experiment has already ended." in text_of(again)


def test_a_viewer_looks_and_starts_nothing(as_vera: Client, ada: Principal, acme: Tenant) -> None:
    experiment = make_experiment(ada, acme.project, items=1)
    page = as_vera.get(f"{LIST}/{experiment.id}")
    assert page.status_code == 200
    assert b"/cancel" not in page.content
    assert as_vera.get(f"{LIST}/new").status_code == 403
    assert as_vera.post(f"{LIST}/{experiment.id}/cancel").status_code == 403
    assert f"{LIST}/new" not in links_of(as_vera.get(LIST))


def test_bo_finds_nothing(as_bo: Client, ada: Principal, acme: Tenant) -> None:
    experiment = make_experiment(ada, acme.project, items=1)
    assert as_bo.get(f"{LIST}/{experiment.id}").status_code == 404
    assert as_bo.post(f"/o/bolt/p/demo/experiments/{experiment.id}/cancel").status_code == 404


def test_what_models_write_is_escaped(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    experiment = make_experiment(ada, acme.project, items=1)
    answer_all(experiment, {}, otherwise="<script>alert(1)</script>")
    html = as_ada.get(f"{LIST}/{experiment.id}").content.decode()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html
