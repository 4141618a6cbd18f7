"""Prompts over REST: versions, labels and their moves; and the version that a run asks for."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rlmlab.engine.prompts import full
from tests.api.conftest import ApiClient
from tests.factories.runs import MODEL
from tests.factories.tenancy import Tenant

PROMPTS = "/api/v1/projects/demo/prompts"
SYSTEM = f"{PROMPTS}/system"
REASON = "It finds more of the answers."


def write(client: ApiClient, text: str, **more: str) -> Any:
    return client.send(f"{SYSTEM}/versions", {"text": text, **more})


def move(client: ApiClient, label: str, body: dict[str, Any]) -> Any:
    return client.put(f"{SYSTEM}/labels/{label}", body, content_type="application/json")


def fields_of(answer: Any) -> list[str]:
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    return [error["field"] for error in answer.json()["errors"]]


def test_the_prompt_of_a_new_project_is_what_the_engine_teaches(as_ada: ApiClient) -> None:
    page = as_ada.get(PROMPTS).json()
    assert page["next_cursor"] is None
    [prompt] = page["items"]
    assert (prompt["name"], prompt["versions"], prompt["production"]) == ("system", 1, 1)
    assert as_ada.get(SYSTEM).json() == prompt
    version = as_ada.get(f"{SYSTEM}/versions/1").json()
    assert (version["text"], version["composed"], version["builtin"]) == (full.SYSTEM, full.SYSTEM, True)
    assert (version["labels"], version["created_by"], version["characters"]) == (
        ["production"],
        "RLM Lab",
        len(full.SYSTEM),
    )


def test_post_adds_a_version_and_lists_show_it_without_its_text(as_ada: ApiClient) -> None:
    as_ada.get(PROMPTS)
    answer = write(as_ada, "Be brief.", note="shorter")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["number"], made["text"], made["note"], made["labels"]) == (2, "Be brief.", "shorter", [])
    assert made["composed"] == f"Be brief.\n{full.CONTRACT}"
    assert made["created_by"].startswith("rlm_")
    first, second = as_ada.get(f"{SYSTEM}/versions").json()["items"]
    assert (first["number"], second["number"]) == (2, 1)
    assert "text" not in first


def test_versions_are_paged_newest_first(as_ada: ApiClient) -> None:
    as_ada.get(PROMPTS)
    for number in (2, 3, 4):
        write(as_ada, f"v{number}")
    first = as_ada.get(f"{SYSTEM}/versions", {"limit": 3}).json()
    second = as_ada.get(f"{SYSTEM}/versions", {"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [item["number"] for item in first["items"] + second["items"]] == [4, 3, 2, 1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "a\x00"}, "text"),
        ({"text": 7}, "text"),
        ({"text": full.SYSTEM}, "text"),
        ({"text": "x", "note": "y" * 501}, "note"),
        ({"text": "x", "label": "production"}, "label"),
    ],
)
def test_wrong_field_of_a_version_is_named(as_ada: ApiClient, body: dict[str, Any], field: str) -> None:
    assert fields_of(as_ada.send(f"{SYSTEM}/versions", body)) == [field]


def test_put_moves_a_label_and_keeps_why(as_ada: ApiClient) -> None:
    write(as_ada, "Be brief.")
    answer = move(as_ada, "production", {"version": 2, "reason": REASON})
    assert (answer.status_code, answer.json()["name"], answer.json()["version"]) == (200, "production", 2)
    again = move(as_ada, "production", {"version": 2, "reason": REASON})
    assert again.json() == answer.json()
    [promotion] = as_ada.get(f"{SYSTEM}/promotions").json()["items"]
    assert {name: promotion[name] for name in ("label", "from_version", "to_version", "reason", "overridden")} == {
        "label": "production",
        "from_version": 1,
        "to_version": 2,
        "reason": REASON,
        "overridden": True,
    }
    assert (promotion["experiment"], promotion["evidence"]) == (None, {})
    assert as_ada.get(SYSTEM).json()["production"] == 2


def test_labels_are_made_listed_and_deleted(as_ada: ApiClient) -> None:
    move(as_ada, "staging", {"version": 1, "reason": "try"})
    listed = as_ada.get(f"{SYSTEM}/labels").json()
    assert [(item["name"], item["version"]) for item in listed["items"]] == [("production", 1), ("staging", 1)]
    assert listed["next_cursor"] is None
    assert as_ada.delete(f"{SYSTEM}/labels/staging").status_code == 204
    assert as_ada.delete(f"{SYSTEM}/labels/staging").status_code == 404
    refused = as_ada.delete(f"{SYSTEM}/labels/production")
    assert (refused.status_code, refused.json()["title"]) == (409, "Conflict")


@pytest.mark.parametrize(
    ("label", "body", "field"),
    [
        ("production", {"reason": REASON}, "version"),
        ("production", {"version": 1}, "reason"),
        ("production", {"version": 2, "reason": REASON}, "version"),
        ("production", {"version": 0, "reason": REASON}, "version"),
        ("production", {"version": 10**30, "reason": REASON}, "version"),
        ("production", {"version": "1", "reason": REASON}, "version"),
        ("production", {"version": 1, "reason": "short"}, "reason"),
        ("production", {"version": 1, "reason": REASON, "experiment": "x"}, "experiment"),
        ("production", {"version": 1, "reason": REASON, "odd": 1}, "odd"),
        ("v1", {"version": 1, "reason": REASON}, "label"),
    ],
)
def test_wrong_field_of_a_move_is_named(as_ada: ApiClient, label: str, body: dict[str, Any], field: str) -> None:
    assert fields_of(move(as_ada, label, body)) == [field]


@pytest.mark.parametrize("path", ["/other", "/other/versions", "/system/versions/2", "/system/versions/0", "/%00"])
def test_what_is_not_there_is_not_found(as_ada: ApiClient, path: str) -> None:
    assert as_ada.get(f"{PROMPTS}{path}").status_code == 404


@pytest.mark.parametrize("path", ["", "/system/versions", "/system/labels", "/system/promotions"])
def test_cursor_of_another_list_is_refused(as_ada: ApiClient, path: str) -> None:
    assert fields_of(as_ada.get(f"{PROMPTS}{path}", {"cursor": "A|B"})) == ["cursor"]


def test_viewer_may_look_but_not_touch(as_vera: ApiClient) -> None:
    for path in ("", "/system", "/system/versions", "/system/versions/1", "/system/labels", "/system/promotions"):
        assert as_vera.get(f"{PROMPTS}{path}").status_code == 200
    assert write(as_vera, "x").status_code == 403
    assert move(as_vera, "production", {"version": 1, "reason": REASON}).status_code == 403
    assert as_vera.delete(f"{SYSTEM}/labels/production").status_code == 403


@pytest.mark.parametrize("path", ["/system/versions", "/system/labels", "/system/promotions"])
def test_lists_ask_equally_often_at_one_and_three_items(as_ada: ApiClient, path: str) -> None:
    def queries_of() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as captured:
            items = as_ada.get(f"{PROMPTS}{path}").json()["items"]
        return len(items), len(captured)

    def add(number: int) -> None:
        write(as_ada, f"Text {number}")
        move(as_ada, f"label-{number}", {"version": number, "reason": REASON})

    add(2)
    as_ada.get(SYSTEM)  # notes the key's use
    one = queries_of()
    add(3)
    add(4)
    three = queries_of()
    assert (three[0] - one[0], three[1]) == (2, one[1])


# ---- runs


def start(client: ApiClient, **fields: Any) -> Any:
    return client.send("/api/v1/projects/demo/runs", {"task": "Count.", "model": MODEL, **fields})


@pytest.mark.parametrize(
    ("reference", "version"), [(None, 1), ("production", 1), (2, 2), ("2", 2), ("v2", 2), ("system@2", 2), ("", 1)]
)
def test_run_asks_for_a_version_and_tells_which_it_got(
    as_ada: ApiClient, reference: str | int | None, version: int
) -> None:
    write(as_ada, "Be brief.")
    answer = start(as_ada, prompt=reference)
    assert (answer.status_code, answer.json()["prompt"]) == (202, {"name": "system", "version": version})
    run = as_ada.get(f"/api/v1/runs/{answer.json()['id']}").json()
    [listed] = as_ada.get("/api/v1/projects/demo/runs").json()["items"]
    assert run["prompt"] == listed["prompt"] == {"name": "system", "version": version}


def test_run_that_asks_for_nothing_gets_production(as_ada: ApiClient) -> None:
    write(as_ada, "Be brief.")
    move(as_ada, "production", {"version": 2, "reason": REASON})
    assert start(as_ada).json()["prompt"] == {"name": "system", "version": 2}


@pytest.mark.parametrize("reference", ["nobody", 9, 0, -1, True, 1.5, [], {"version": 1}, "x@1", "\ud800", 10**40])
def test_unknown_version_is_refused_at_prompt(as_ada: ApiClient, reference: Any) -> None:
    answer = start(as_ada, prompt=reference)
    assert fields_of(answer) == ["prompt"]
    assert as_ada.get("/api/v1/projects/demo/runs").json()["items"] == []


def test_repeated_request_tells_the_version_it_got_then(as_ada: ApiClient) -> None:
    body = {"task": "Count.", "model": MODEL}
    first = as_ada.send("/api/v1/projects/demo/runs", body, **{"Idempotency-Key": "once"}).json()
    write(as_ada, "Be brief.")
    move(as_ada, "production", {"version": 2, "reason": REASON})
    again = as_ada.send("/api/v1/projects/demo/runs", body, **{"Idempotency-Key": "once"}).json()
    assert (again["id"], again["prompt"]) == (first["id"], {"name": "system", "version": 1})


def test_prompts_of_two_organizations_do_not_meet(as_ada: ApiClient, as_bo: ApiClient, acme: Tenant) -> None:
    write(as_ada, "Only Acme's.")
    assert [item["number"] for item in as_bo.get(f"{SYSTEM}/versions").json()["items"]] == [1]
    assert as_bo.get(f"{SYSTEM}/versions/2").status_code == 404
