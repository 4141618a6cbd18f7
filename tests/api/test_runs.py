"""Starting, reading, listing and stopping runs over REST."""

import json
from typing import Any

import pytest

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from tests.api.conftest import ApiClient
from tests.factories.runs import MODEL, finished_run, make_run
from tests.factories.tenancy import Tenant
from trajectories import blobs, contexts, queries
from trajectories.models import Blob, Run

RUNS = "/api/v1/projects/demo/runs"


def test_post_starts_a_run_with_every_default(as_ada: ApiClient) -> None:
    answer = as_ada.send(RUNS, {"task": "Count the words.\nQuickly.", "context": "a b c"})
    assert answer.status_code == 202, answer.content
    run = answer.json()
    assert run["status"] == "queued"
    assert run["title"] == "Count the words."
    assert run["project"] == "demo"
    assert run["model"] == MODEL
    assert run["environment"] == "restricted"
    assert run["finish_reason"] is None
    assert run["error"] is None
    assert run["budget"] == {
        "max_tokens": 1_000_000, "max_cost_usd": None, "max_seconds": 900, "max_depth": 3, "max_steps": 30,
        "max_sub_calls": 200,
    }  # fmt: skip
    assert run["totals"] == {
        "input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0, "model_calls": 0, "sub_calls": 0, "steps": 0,
        "max_depth": 0, "seconds": 0.0,
        "tokens": {"input": 0, "cache_read": 0, "cache_write": 0, "output": 0, "reasoning": 0},
    }  # fmt: skip
    assert run["context"] == {"kind": "text", "size": 5}
    assert run["priority"] == 0
    assert as_ada.get(f"/api/v1/runs/{run['id']}").json() == run


@pytest.mark.parametrize("priority", [-10, 10])
def test_priority_is_kept(as_ada: ApiClient, priority: int) -> None:
    answer = as_ada.send(RUNS, {"task": "x", "priority": priority})
    assert (answer.status_code, answer.json()["priority"]) == (202, priority)


def test_list_shows_newest_first_and_pages(as_ada: ApiClient, acme: Tenant) -> None:
    runs = [make_run(acme.principal, acme.project, task=f"Task {number}") for number in range(3)]
    first = as_ada.get(RUNS, {"limit": 2}).json()
    assert [item["title"] for item in first["items"]] == ["Task 2", "Task 1"]
    second = as_ada.get(RUNS, {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["id"] for item in second["items"]] == [str(runs[0].id)]
    assert second["next_cursor"] is None


def test_get_shows_a_finished_run(as_ada: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project, 2)
    shown = as_ada.get(f"/api/v1/runs/{run.id}").json()
    assert (shown["status"], shown["finish_reason"], shown["last_seq"]) == ("succeeded", "submitted", 12)
    assert shown["totals"]["input_tokens"] == 200
    assert shown["totals"]["tokens"] == {
        "input": 70, "cache_read": 80, "cache_write": 50, "output": 12, "reasoning": 8,
    }  # fmt: skip
    assert shown["totals"]["cost_usd"] == 0.002
    assert shown["totals"]["steps"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "task"),
        ({"task": ""}, "task"),
        ({"task": 7}, "task"),
        ({"task": None}, "task"),
        ({"task": "a\x00"}, "task"),
        ({"task": "a\ud800"}, "task"),
        ({"task": "x", "odd": 1}, "odd"),
        ({"task": "x", "context": 7}, "context"),
        ({"task": "x", "context": True}, "context"),
        ({"task": "x", "files": "abc"}, "files"),
        ({"task": "x", "files": ["abc"]}, "files.0"),
        ({"task": "x", "files": ["01a20000-0000-7000-8000-000000000000"]}, "files.0"),
        ({"task": "x", "model": "nonsense"}, "model"),
        ({"task": "x", "model": ["a"]}, "model"),
        ({"task": "x", "environment": "moon"}, "environment"),
        ({"task": "x", "environment": "native"}, "environment"),
        ({"task": "x", "budget": {"max_tokens": -1}}, "budget.max_tokens"),
        ({"task": "x", "budget": {"max_tokens": "5"}}, "budget.max_tokens"),
        ({"task": "x", "budget": {"max_tokens": True}}, "budget.max_tokens"),
        ({"task": "x", "budget": {"max_tokens": 10**30}}, "budget.max_tokens"),
        ({"task": "x", "budget": {"max_joy": 1}}, "budget.max_joy"),
        ({"task": "x", "budget": 5}, "budget"),
        ({"task": "x", "seed": "1"}, "seed"),
        ({"task": "x", "seed": -1}, "seed"),
        ({"task": "x", "priority": 11}, "priority"),
        ({"task": "x", "priority": -11}, "priority"),
        ({"task": "x", "priority": 1.5}, "priority"),
        ({"task": "x", "tags": "x"}, "tags"),
        ({"task": "x", "tags": [1]}, "tags.0"),
        ({"task": "x", "response_schema": []}, "response_schema"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_wrong_field_is_named_and_nothing_is_stored(as_ada: ApiClient, acme: Tenant, body: Any, field: str) -> None:
    answer = as_ada.send(RUNS, json.dumps(body))
    assert answer.status_code == 422, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 422
    assert [error["field"] for error in problem["errors"]] == [field]
    assert field in problem["detail"]
    with scoping.organization(acme.organization):
        assert Run.objects.for_org(acme.organization).count() == 0
        assert Blob.objects.for_org(acme.organization).count() == 0


@pytest.mark.parametrize("body", [b"{", b'{"task": "x",}', b"\xff\xfe", b"[" * 100_000, b'"\\ud800'])
def test_body_that_is_no_json_is_refused(as_ada: ApiClient, body: bytes) -> None:
    answer = as_ada.post(RUNS, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "body"


def test_context_keeps_what_fields_refuse(as_ada: ApiClient, acme: Tenant) -> None:
    answer = as_ada.post(RUNS, b'{"task": "x", "context": "a\\u0000b\\ud800"}', content_type="application/json")
    assert answer.status_code == 202
    run = queries.run_for(acme.principal, answer.json()["id"])
    with scoping.organization(acme.organization):
        data = b"".join(blobs.read(contexts.inputs_of(run)[0].blob))
    assert data.decode("utf-8", "surrogatepass") == "a\x00b\ud800"


def test_unknown_project_is_not_found(as_ada: ApiClient) -> None:
    assert as_ada.send("/api/v1/projects/nothing/runs", {"task": "x"}).status_code == 404


def test_same_key_and_body_answer_the_same_run(as_ada: ApiClient) -> None:
    first, again = (as_ada.send(RUNS, {"task": "x"}, **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    other = as_ada.send(RUNS, {"task": "y"}, **{"Idempotency-Key": "k1"})
    assert other.status_code == 409
    assert len(as_ada.get(RUNS).json()["items"]) == 1


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"query": "status:queued"}, 200, None),
        ({"query": "-tag:x cost:<1 rating.correct:>=0.5,0 created:2026-11-01.."}, 200, None),
        ({"query": "owner:ada"}, 422, "query"),
        ({"query": "depth:deep"}, 422, "query"),
        ({"limit": 0}, 422, "limit"),
        ({"limit": 1001}, 422, "limit"),
        ({"limit": "many"}, 422, "limit"),
        ({"cursor": "nonsense"}, 422, "cursor"),
    ],
)
def test_list_parameters(as_ada: ApiClient, query: dict[str, Any], status: int, field: str | None) -> None:
    answer = as_ada.get(RUNS, query)
    assert answer.status_code == status
    if field is not None:
        assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_cancel_stops_a_waiting_run_and_refuses_an_ended_one(as_ada: ApiClient, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    answer = as_ada.post(f"/api/v1/runs/{run.id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    assert as_ada.post(f"/api/v1/runs/{run.id}/cancel").status_code == 202
    ended = finished_run(acme.principal, acme.project)
    assert as_ada.post(f"/api/v1/runs/{ended.id}/cancel").status_code == 409


def test_tags_and_title_can_be_changed(as_ada: ApiClient, acme: Tenant) -> None:
    path = f"/api/v1/runs/{finished_run(acme.principal, acme.project, title='Count', tags=['a']).id}"
    answer = as_ada.patch(path, {"tags": ["b", "c"]}, content_type="application/json")
    assert (answer.status_code, answer.json()["tags"], answer.json()["title"]) == (200, ["b", "c"], "Count")
    assert (
        as_ada.patch(path, {"title": "Count birds"}, content_type="application/json").json()["title"] == "Count birds"
    )
    assert as_ada.patch(path, {}, content_type="application/json").json()["tags"] == ["b", "c"]
    assert [run["tags"] for run in as_ada.get(RUNS, {"query": "tag:c"}).json()["items"]] == [["b", "c"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tags": ["x" * 51]}, "tags.0"),
        ({"tags": None}, "tags"),
        ({"tags": [1]}, "tags.0"),
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"status": "failed"}, "status"),
    ],
)
def test_a_change_that_cannot_be_is_refused(
    as_ada: ApiClient, acme: Tenant, body: dict[str, object], field: str
) -> None:
    run = make_run(acme.principal, acme.project, tags=["a"])
    answer = as_ada.patch(f"/api/v1/runs/{run.id}", body, content_type="application/json")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert as_ada.get(f"/api/v1/runs/{run.id}").json()["tags"] == ["a"]


def test_viewer_may_look_but_not_start_or_stop(as_vera: ApiClient, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    assert as_vera.get(f"/api/v1/runs/{run.id}").status_code == 200
    assert as_vera.send(RUNS, {"task": "x"}).status_code == 403
    assert as_vera.post(f"/api/v1/runs/{run.id}/cancel").status_code == 403
    with scoping.organization(acme.organization):
        denied = AuditEntry.objects.for_org(acme.organization).filter(action="access.deny")
        assert [entry.changes["permission"] for entry in denied.order_by("at")] == ["run.create", "run.cancel"]
