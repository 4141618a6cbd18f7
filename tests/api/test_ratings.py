"""Ratings and examples over the API."""

from typing import Any

import pytest

from tests.api.conftest import ApiClient
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant
from trajectories.models import Run


@pytest.fixture
def run(acme: Tenant) -> Run:
    return finished_run(acme.principal, acme.project, task="Count the birds.")


def rate(client: ApiClient, run: Run, **fields: Any) -> Any:
    return client.send(f"/api/v1/runs/{run.id}/ratings", {"dimension": "correct", "value": 1} | fields)


def test_post_answers_the_rating_with_who(as_ada: ApiClient, run: Run) -> None:
    answer = rate(as_ada, run, value=0, comment="No.", correction=[43], rater="checker")
    assert answer.status_code == 201
    rating = answer.json()
    assert rating | {"id": 0, "created_at": 0, "rater": 0} == {
        "id": 0,
        "run": str(run.id),
        "span_id": None,
        "dimension": "correct",
        "value": 0.0,
        "comment": "No.",
        "correction": [43],
        "rater": 0,
        "version": 1,
        "current": True,
        "created_at": 0,
    }
    assert (rating["rater"]["kind"], rating["rater"]["actor"]) == ("checker", "api_key")
    assert rating["rater"]["name"].endswith("“tests”")


def test_list_has_current_ones_and_history(as_ada: ApiClient, run: Run) -> None:
    url = f"/api/v1/runs/{run.id}/ratings"
    for value in (0.1, 0.2, 0.3):
        rate(as_ada, run, value=value)
    assert [item["value"] for item in as_ada.get(url).json()["items"]] == [0.3]
    first = as_ada.get(url, {"history": "true", "limit": 2}).json()
    rest = as_ada.get(url, {"history": "true", "limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["value"] for item in (*first["items"], *rest["items"])] == [0.3, 0.2, 0.1]


def test_delete_withdraws_ones_own(as_ada: ApiClient, as_bo: ApiClient, run: Run) -> None:
    rating = rate(as_ada, run).json()
    url = f"/api/v1/ratings/{rating['id']}"
    assert as_bo.delete(url).status_code == 404
    assert as_ada.delete(url).json()["current"] is False
    assert as_ada.get(f"/api/v1/runs/{run.id}/ratings").json()["items"] == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"value": 2}, "value"),
        ({"value": "1"}, "value"),
        ({"value": True}, "value"),
        ({"dimension": "style"}, "dimension"),
        ({"span_id": "nowhere"}, "span_id"),
        ({"comment": "a\x00"}, "comment"),
        ({"thumb": "up"}, "thumb"),
        ({"rater": "oracle"}, "rater"),
    ],
)
def test_bad_fields_are_named(as_ada: ApiClient, run: Run, fields: dict[str, Any], field: str) -> None:
    answer = rate(as_ada, run, **fields)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_rights_and_times(as_ada: ApiClient, as_vera: ApiClient, as_bo: ApiClient, acme: Tenant, run: Run) -> None:
    assert rate(as_vera, run).status_code == 403
    assert rate(as_bo, run).status_code == 404
    assert rate(as_ada, make_run(acme.principal, acme.project)).status_code == 409
    assert as_vera.get(f"/api/v1/runs/{run.id}/ratings").status_code == 200
    assert as_vera.send(f"/api/v1/runs/{run.id}/example", {}).status_code == 403


def test_example_is_made_listed_used_and_retired(as_ada: ApiClient, acme: Tenant, run: Run) -> None:
    refused = as_ada.send(f"/api/v1/runs/{run.id}/example", {})
    assert (refused.status_code, "Rate the run correct" in refused.json()["detail"]) == (409, True)
    rate(as_ada, run)
    made = as_ada.send(f"/api/v1/runs/{run.id}/example", {}).json()
    assert (made["kind"], made["task"], made["used"], made["run"]) == ("good", "Count the birds.", 0, str(run.id))
    body = {"task": "Count birds", "use_examples": True, "model": "local/gemma-3-270m"}
    later = as_ada.send("/api/v1/projects/demo/runs", body).json()
    assert later["use_examples"] is True
    (used,) = as_ada.get(f"/api/v1/runs/{later['id']}/examples").json()["items"]
    assert (used["id"], used["position"], used["run"]) == (made["id"], 1, str(run.id))
    assert used["score"] > 0
    url = f"/api/v1/examples/{made['id']}"
    assert as_ada.get(url).json()["used"] == 1
    assert as_ada.delete(url).json()["retired_at"] is not None
    assert as_ada.get("/api/v1/projects/demo/examples").json()["items"] == []
    retired = as_ada.get("/api/v1/projects/demo/examples", {"retired": "true"}).json()["items"]
    assert [item["id"] for item in retired] == [made["id"]]


def test_a_preview_says_what_a_task_would_get(
    as_ada: ApiClient, as_vera: ApiClient, as_bo: ApiClient, run: Run
) -> None:
    rate(as_ada, run, value=0, correction="43")
    made = as_ada.send(f"/api/v1/runs/{run.id}/example", {}).json()
    url = "/api/v1/projects/demo/examples/preview"
    (item,) = as_vera.get(url, {"task": "How many birds are there?"}).json()["items"]
    assert item["score"] > 0
    assert item | {"score": 0} == {
        "id": made["id"],
        "position": 1,
        "score": 0,
        "reason": "a correction; number 1 by shared words of the task",
        "kind": "corrected",
        "task": "Count the birds.",
        "text": made["text"],
        "run": str(run.id),
    }
    assert as_ada.get(url, {"task": "Paint it."}).json() == {"items": [], "next_cursor": None}
    assert as_ada.get(url).json()["items"] == []
    assert as_ada.get(url, {"task": "x" * 2_001}).status_code == 422
    assert as_bo.get(url, {"task": "birds"}).json()["items"] == []
    assert as_ada.get(f"/api/v1/examples/{made['id']}").json()["used"] == 0
