"""Starting, reading, listing and stopping runs over REST."""

from tests.api.conftest import ApiClient
from tests.factories.runs import MODEL, finished_run, make_run
from tests.factories.tenancy import Tenant

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
    }  # fmt: skip
    assert run["context"] == {"kind": "text", "size": 5}
    assert as_ada.get(f"/api/v1/runs/{run['id']}").json() == run


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
    assert shown["totals"]["cost_usd"] == 0.002
    assert shown["totals"]["steps"] == 2
