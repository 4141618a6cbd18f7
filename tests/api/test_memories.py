"""Memories over the API."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import ApiClient

URL = "/api/v1/projects/demo/memories"


@pytest.fixture
def kept(as_ada: ApiClient) -> dict[str, Any]:
    answer: dict[str, Any] = as_ada.send(URL, {"text": "Bananas are yellow.", "kind": "lesson"}).json()
    return answer


def change(client: ApiClient, memory: dict[str, Any], body: dict[str, Any]) -> Any:
    return client.patch(f"/api/v1/memories/{memory['id']}", body, content_type="application/json")


def test_post_keeps_once(as_ada: ApiClient, kept: dict[str, Any]) -> None:
    assert {name: kept[name] for name in ("project", "kind", "text", "trust", "status", "pinned", "run", "uses")} == {
        "project": "demo",
        "kind": "lesson",
        "text": "Bananas are yellow.",
        "trust": "user_stated",
        "status": "active",
        "pinned": False,
        "run": None,
        "uses": 0,
    }
    again = as_ada.send(URL, {"text": "bananas ARE yellow."})
    assert (again.status_code, again.json()["id"]) == (200, kept["id"])
    assert as_ada.send(URL, {"text": "Cherries are red."}).status_code == 201


def test_bad_fields_are_named(as_ada: ApiClient, kept: dict[str, Any]) -> None:
    for body, field in (({"text": " "}, "text"), ({"text": "x", "kind": "idea"}, "kind"), ({"texts": "x"}, "texts")):
        answer = as_ada.send(URL, body)
        assert answer.status_code == 422
        assert field in [error["field"] for error in answer.json()["errors"]]
    assert change(as_ada, kept, {"text": ""}).json()["errors"][0]["field"] == "text"
    assert as_ada.get(URL, {"status": "lost"}).json()["errors"][0]["field"] == "status"
    assert as_ada.get(URL, {"cursor": "x"}).json()["errors"][0]["field"] == "cursor"


def test_list_is_paged_and_searched(as_ada: ApiClient, kept: dict[str, Any]) -> None:
    as_ada.send(URL, {"text": "Cherries are red."})
    first = as_ada.get(URL, {"limit": 1}).json()
    rest = as_ada.get(URL, {"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [item["text"] for item in (*first["items"], *rest["items"])] == ["Cherries are red.", "Bananas are yellow."]
    assert rest["next_cursor"] is None
    assert [item["id"] for item in as_ada.get(URL, {"query": "banana"}).json()["items"]] == [kept["id"]]


def test_edit_pin_forget_restore_erase(as_ada: ApiClient, kept: dict[str, Any]) -> None:
    url = f"/api/v1/memories/{kept['id']}"
    changed = change(as_ada, kept, {"text": "Bananas are green.", "pinned": True}).json()
    assert (changed["text"], changed["pinned"], changed["trust"]) == ("Bananas are green.", True, "human_edited")
    assert as_ada.delete(url).json()["status"] == "forgotten"
    assert change(as_ada, kept, {"pinned": True}).status_code == 409
    assert as_ada.get(URL).json()["items"] == []
    assert as_ada.send(f"{url}/restore", {}).json()["status"] == "active"
    erased = as_ada.delete(f"{url}?erase=true").json()
    assert (erased["status"], erased["text"]) == ("erased", "")
    assert as_ada.get(url).json() == erased
    assert as_ada.send(f"{url}/restore", {}).status_code == 409


def test_viewers_look_and_nobody_else_finds_it(
    as_vera: ApiClient, as_bo: ApiClient, as_ada: ApiClient, kept: dict[str, Any]
) -> None:
    url = f"/api/v1/memories/{kept['id']}"
    assert as_vera.get(url).json()["text"] == "Bananas are yellow."
    assert [
        as_vera.send(URL, {"text": "x"}).status_code,
        change(as_vera, kept, {"pinned": True}).status_code,
        as_vera.delete(url).status_code,
        as_vera.send(f"{url}/restore", {}).status_code,
    ] == [403] * 4
    assert [
        as_bo.get(url).status_code,
        change(as_bo, kept, {"pinned": True}).status_code,
        as_bo.delete(url).status_code,
        as_bo.send(f"{url}/restore", {}).status_code,
        as_ada.get(f"/api/v1/memories/{uuid4()}").status_code,
    ] == [404] * 5
    assert as_ada.get(url).json()["pinned"] is False
