"""Events and spans over REST."""

from datetime import datetime
from typing import Any

import pytest

from tests.api.conftest import ApiClient
from tests.factories.runs import finished_run, hold, make_run, record, steps
from tests.factories.tenancy import Tenant


def test_events_are_paged_by_number(as_ada: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project, 2)
    path = f"/api/v1/runs/{run.id}/events"
    everything = as_ada.get(path, {"after": 0}).json()
    assert [item["seq"] for item in everything["items"]] == list(range(1, 13))
    assert everything["next_cursor"] is None
    found, after = [], "0"
    while after is not None:
        page = as_ada.get(path, {"after": after, "limit": 5}).json()
        found += page["items"]
        after = page["next_cursor"]
    assert found == everything["items"]


def test_event_has_the_documented_shape(as_ada: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    event = as_ada.get(f"/api/v1/runs/{run.id}/events", {"after": 3}).json()["items"][0]
    assert list(event) == ["seq", "at", "span_id", "parent_span_id", "depth", "type", "payload"]
    assert (event["seq"], event["type"], event["depth"]) == (4, "message", 0)
    assert event["payload"] == {"role": "assistant", "content": "Turn 1", "purpose": "reply"}
    assert datetime.strptime(event["at"], "%Y-%m-%dT%H:%M:%S.%f%z").tzinfo is not None
    assert event["at"].endswith("Z")


@pytest.mark.parametrize("query", [{"after": -1}, {"after": "x"}, {"limit": 0}, {"after": 2**63}])
def test_odd_parameters_are_named(as_ada: ApiClient, acme: Tenant, query: dict[str, Any]) -> None:
    run = finished_run(acme.principal, acme.project)
    answer = as_ada.get(f"/api/v1/runs/{run.id}/events", query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(query))


def test_spans_are_the_skeleton(as_ada: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    page = as_ada.get(f"/api/v1/runs/{run.id}/spans").json()
    assert [(span["kind"], span["status"], span["depth"]) for span in page["items"]] == [
        ("run", "ok", 0),
        ("step", "ok", 0),
        ("model_call", "ok", 0),
    ]
    root, step, call = page["items"]
    assert (root["parent_span_id"], step["parent_span_id"], call["parent_span_id"]) == (
        None,
        root["span_id"],
        step["span_id"],
    )
    assert set(root) == {
        "span_id", "parent_span_id", "kind", "name", "depth", "status", "started_at", "seconds", "input_tokens",
        "output_tokens", "cost_usd", "preview", "tokens", "path", "attempt",
    }  # fmt: skip
    assert (call["input_tokens"], call["output_tokens"], call["cost_usd"], call["seconds"]) == (100, 10, 0.001, 0.5)
    assert call["tokens"] == {"input": 35, "cache_read": 40, "cache_write": 25, "output": 6, "reasoning": 4}
    assert sum(call["tokens"].values()) == call["input_tokens"] + call["output_tokens"]
    first = as_ada.get(f"/api/v1/runs/{run.id}/spans", {"limit": 2}).json()
    rest = as_ada.get(f"/api/v1/runs/{run.id}/spans", {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert first["items"] + rest["items"] == page["items"]
    assert rest["next_cursor"] is None


def test_running_run_shows_what_is_stored(as_ada: ApiClient, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    record(run, steps(run)[:3], holder=hold(run))
    assert len(as_ada.get(f"/api/v1/runs/{run.id}/events").json()["items"]) == 3
    assert as_ada.get(f"/api/v1/runs/{run.id}").json()["status"] == "running"


def test_events_of_spans_are_theirs_alone_and_paged(as_ada: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project, 3)
    path = f"/api/v1/runs/{run.id}/events"
    everything = as_ada.get(path).json()["items"]
    spans = [event["span_id"] for event in everything if event["type"] == "span_started"]
    chosen = spans[3:5]  # the second step and its call
    wanted = [event for event in everything if event["span_id"] in chosen]
    assert [event["seq"] for event in wanted] == [7, 8, 9, 10, 11]
    assert as_ada.get(path, {"span": chosen}).json() == {"items": wanted, "next_cursor": None}
    first = as_ada.get(path, {"span": chosen, "limit": 3}).json()
    assert (first["items"], first["next_cursor"]) == (wanted[:3], "9")
    rest = as_ada.get(path, {"span": chosen, "limit": 3, "after": 9}).json()
    assert (rest["items"], rest["next_cursor"]) == (wanted[3:], None)
    assert as_ada.get(path, {"span": "0" * 16}).json()["items"] == []


def test_events_of_a_type_are_found_in_all_spans_or_in_one(as_ada: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project, 3)
    path = f"/api/v1/runs/{run.id}/events"
    found = as_ada.get(path, {"type": "message"}).json()["items"]
    assert [event["payload"]["content"] for event in found] == ["Turn 1", "Turn 2", "Turn 3"]
    assert as_ada.get(path, {"type": "message", "span": found[1]["span_id"]}).json()["items"] == [found[1]]


@pytest.mark.parametrize("query", [{"span": "x" * 33}, {"span": "a\x00"}, {"span": ["a"] * 101}, {"type": "song"}])
def test_odd_choices_of_events_are_named(as_ada: ApiClient, acme: Tenant, query: dict[str, Any]) -> None:
    run = finished_run(acme.principal, acme.project)
    answer = as_ada.get(f"/api/v1/runs/{run.id}/events", query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].split(".")[0] == next(iter(query))


@pytest.mark.parametrize("query", [{"span": "0" * 16}, {"type": "log"}])
def test_a_stream_cannot_be_of_some_events(as_ada: ApiClient, acme: Tenant, query: dict[str, str]) -> None:
    run = finished_run(acme.principal, acme.project)
    answer = as_ada.get(f"/api/v1/runs/{run.id}/events", query, headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, next(iter(query)))
