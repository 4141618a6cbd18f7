"""Experiments over REST."""

from typing import Any

import pytest

from tests.api.conftest import ApiClient
from tests.factories.datasets import make_dataset
from tests.factories.experiments import answer_all, make_experiment, make_version, runs_of
from tests.factories.runs import MODEL
from tests.factories.tenancy import Tenant

EXPERIMENTS = "/api/v1/projects/demo/experiments"


@pytest.fixture
def prepared(acme: Tenant) -> Tenant:
    make_version(acme.principal, acme.project)
    make_dataset(acme.principal, acme.project, 2)
    return acme


def test_an_experiment_is_started(as_ada: ApiClient, prepared: Tenant) -> None:
    body = {"dataset": "sums", "candidate": "v2", "budget": {"max_steps": 3}, "seed": 5}
    answer = as_ada.send(EXPERIMENTS, body)
    assert answer.status_code == 202, answer.content
    made = answer.json()
    assert (made["name"], made["dataset"], made["split"]) == ("v2 against v1 on sums", "sums", "holdout")
    assert made["baseline"] == {"prompt": "system", "version": 1, "examples": False}
    assert (made["candidate"]["version"], made["model"], made["environment"]) == (2, MODEL, "restricted")
    assert len(made["plan_hash"]) == 64
    compared = made["comparison"]
    assert (compared["items"], compared["runs"], compared["finished"], compared["verdict"]) == (2, 4, 0, None)
    assert as_ada.get(f"{EXPERIMENTS}/{made['id']}").json() == made
    assert as_ada.get(EXPERIMENTS).json() == {"items": [made], "next_cursor": None}
    runs = as_ada.get("/api/v1/projects/demo/runs").json()["items"]
    assert runs == []
    evaluated = as_ada.get("/api/v1/projects/demo/runs", {"query": "purpose:evaluation"}).json()["items"]
    assert len(evaluated) == 4
    assert {(run["budget"]["max_steps"], run["seed"], run["priority"]) for run in evaluated} == {(3, 5, -5)}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dataset": None}, "dataset"),
        ({"dataset": "x"}, "dataset"),
        ({"split": "dev"}, "split"),
        ({"candidate": "v1"}, "candidate"),
        ({"candidate": 2}, "candidate"),
        ({"baseline": "v9"}, "baseline"),
        ({"budget": {"max_joy": 1}}, "budget.max_joy"),
        ({"budget": {"max_steps": 0}}, "budget.max_steps"),
        ({"odd": 1}, "odd"),
    ],
)
def test_a_wrong_field_is_named(as_ada: ApiClient, prepared: Tenant, change: dict[str, Any], field: str) -> None:
    answer = as_ada.send(EXPERIMENTS, {"dataset": "sums", "candidate": "v2"} | change)
    assert answer.status_code == 422, answer.content
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_result_and_its_items(as_ada: ApiClient, acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=3)
    answer_all(experiment, {(1, "candidate"): "2", (2, "baseline"): "3"}, otherwise="none")
    path = f"{EXPERIMENTS}/{experiment.id}"
    compared = as_ada.get(path).json()["comparison"]
    assert {name: compared[name] for name in ("pairs", "wins", "losses", "ties", "missing", "finished")} == {
        "pairs": 3, "wins": 1, "losses": 1, "ties": 1, "missing": 0, "finished": 6,
    }  # fmt: skip
    assert (compared["verdict"], compared["p_value"], compared["difference"]) == ("insufficient", 0.75, 0.0)
    assert compared["baseline"] == {
        "correct": 1, "cost_usd": pytest.approx(0.03), "tokens": 330, "median_seconds": 2.0,
    }  # fmt: skip
    first = as_ada.get(f"{path}/items", {"limit": 2}).json()
    assert [(item["number"], item["kind"]) for item in first["items"]] == [(1, "win"), (2, "loss")]
    rest = as_ada.get(f"{path}/items", {"cursor": first["next_cursor"]}).json()
    assert [(item["number"], item["kind"]) for item in rest["items"]] == [(3, "both_wrong")]
    wins = as_ada.get(f"{path}/items", {"kind": "win"}).json()["items"]
    candidate = wins[0]["candidate"]
    assert (candidate["grade"], candidate["answer"], wins[0]["expected"]) == ("right", "2", "2")
    assert candidate["run"] == str(runs_of(experiment)[1, "candidate"].id)
    assert as_ada.get(f"{path}/items", {"kind": "odd"}).status_code == 422


def test_an_experiment_is_stopped(as_ada: ApiClient, acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=2)
    answer = as_ada.post(f"{EXPERIMENTS}/{experiment.id}/cancel")
    assert (answer.status_code, answer.json()["comparison"]["missing"]) == (202, 2)
    assert as_ada.post(f"{EXPERIMENTS}/{experiment.id}/cancel").status_code == 409


def test_a_viewer_looks_and_bo_finds_nothing(as_vera: ApiClient, as_bo: ApiClient, acme: Tenant, bolt: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=1)
    path = f"{EXPERIMENTS}/{experiment.id}"
    for url in (EXPERIMENTS, path, f"{path}/items"):
        assert as_vera.get(url).status_code == 200, url
    assert as_vera.send(EXPERIMENTS, {"dataset": "sums", "candidate": "v2"}).status_code == 403
    assert as_vera.post(f"{path}/cancel").status_code == 403
    for url in (path, f"{path}/items"):
        assert as_bo.get(url).status_code == 404
    assert as_bo.post(f"{path}/cancel").status_code == 404
