"""Projects over REST."""

from typing import Any

import pytest

from tests.api.conftest import ApiClient
from tests.factories.tenancy import Tenant

PROJECTS = "/api/v1/projects"


def test_list_shows_the_organizations_own(as_ada: ApiClient, as_bo: ApiClient, acme: Tenant) -> None:
    as_bo.send(PROJECTS, {"slug": "bolts"})
    page = as_ada.get(PROJECTS).json()
    assert [item["slug"] for item in page["items"]] == ["demo"]
    assert page["items"][0]["id"] == str(acme.project.id)
    assert page["next_cursor"] is None


def test_list_pages_by_slug(as_ada: ApiClient) -> None:
    for slug in ("a", "b", "c"):
        assert as_ada.send(PROJECTS, {"slug": slug}).status_code == 201
    first = as_ada.get(PROJECTS, {"limit": 2}).json()
    second = as_ada.get(PROJECTS, {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["slug"] for item in first["items"] + second["items"]] == ["a", "b", "c", "demo"]
    assert second["next_cursor"] is None


def test_post_makes_a_project(as_ada: ApiClient) -> None:
    answer = as_ada.send(PROJECTS, {"slug": "papers", "name": "Papers", "default_environment": "restricted"})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["slug"], made["name"], made["default_model"], made["default_environment"]) == (
        "papers",
        "Papers",
        None,
        "restricted",
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "slug"),
        ({"slug": "Not Good"}, "slug"),
        ({"slug": "demo"}, "slug"),
        ({"slug": 7}, "slug"),
        ({"slug": "x", "odd": 1}, "odd"),
        ({"slug": "x", "name": "\ud800"}, "name"),
        ({"slug": "x", "name": "a\x00"}, "name"),
        ({"slug": "x", "default_environment": "moon"}, "default_environment"),
    ],
)
def test_wrong_field_is_named(as_ada: ApiClient, body: dict[str, object], field: str) -> None:
    answer = as_ada.send(PROJECTS, body)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_viewer_may_look_but_not_make(as_vera: ApiClient) -> None:
    assert as_vera.get(PROJECTS).status_code == 200
    assert as_vera.send(PROJECTS, {"slug": "x"}).status_code == 403


@pytest.mark.parametrize("cursor", ["%00", "A%20B", "-"])
def test_cursor_that_is_no_slug_is_refused(as_ada: ApiClient, cursor: str) -> None:
    answer = as_ada.get(f"/api/v1/projects?cursor={cursor}")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "cursor", "message": "is not a cursor of this list"}]


def test_project_whose_slug_cannot_be_is_not_there(as_ada: ApiClient) -> None:
    assert as_ada.get("/api/v1/projects/%00/runs").status_code == 404


DEMO = "/api/v1/projects/demo"
NOTHING = dict.fromkeys(["max_tokens", "max_cost_usd", "max_seconds", "max_depth", "max_steps", "max_sub_calls"])
LOCAL = "local/gemma-3-270m"


def patch(client: ApiClient, body: object, path: str = DEMO) -> Any:
    return client.patch(path, body, content_type="application/json")


def test_get_shows_the_settings(as_vera: ApiClient, acme: Tenant) -> None:
    shown = as_vera.get(DEMO).json()
    assert shown["id"] == str(acme.project.id)
    assert (shown["default_model"], shown["default_sub_model"], shown["fallback_models"]) == (None, None, [])
    assert (shown["use_examples"], shown["use_memory"], shown["budget"]) == (False, False, NOTHING)


def test_patch_changes_what_is_given_and_nothing_else(as_ada: ApiClient) -> None:
    first = patch(as_ada, {"default_model": LOCAL, "use_memory": True, "budget": {"max_steps": 5, "max_cost_usd": 1}})
    assert first.status_code == 200
    second = patch(as_ada, {"fallback_models": [LOCAL], "budget": {"max_steps": None, "max_seconds": 60}}).json()
    assert (second["default_model"], second["fallback_models"], second["use_memory"]) == (LOCAL, [LOCAL], True)
    assert second["budget"] == NOTHING | {"max_cost_usd": 1.0, "max_seconds": 60.0}
    assert patch(as_ada, {"default_model": None}).json()["default_model"] is None
    assert patch(as_ada, {}).json() == as_ada.get(DEMO).json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"odd": 1}, "odd"),
        ({"slug": "other"}, "slug"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"use_memory": "yes"}, "use_memory"),
        ({"default_model": "nonsense"}, "default_model"),
        ({"fallback_models": [LOCAL, "nobody/x"]}, "fallback_models.1"),
        ({"fallback_models": [7]}, "fallback_models.0"),
        ({"default_environment": "moon"}, "default_environment"),
        ({"budget": {"max_joy": 1}}, "budget.max_joy"),
        ({"budget": {"max_steps": 0}}, "budget.max_steps"),
        ({"budget": {"max_tokens": 1.5}}, "budget.max_tokens"),
    ],
)
def test_patch_names_the_wrong_field(as_ada: ApiClient, body: dict[str, object], field: str) -> None:
    answer = patch(as_ada, {"use_examples": True, **body})
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert as_ada.get(DEMO).json()["use_examples"] is False


def test_settings_are_an_admins_and_nobody_elses_organizations(
    as_ada: ApiClient, as_bo: ApiClient, as_vera: ApiClient
) -> None:
    as_ada.send(PROJECTS, {"slug": "papers"})
    assert as_vera.get("/api/v1/projects/papers").status_code == 200
    assert patch(as_vera, {"name": "Mine"}, "/api/v1/projects/papers").status_code == 403
    assert as_bo.get("/api/v1/projects/papers").status_code == 404
    assert patch(as_bo, {"name": "Mine"}, "/api/v1/projects/papers").status_code == 404
    assert as_ada.get("/api/v1/projects/papers").json()["name"] == "papers"


def test_a_run_takes_and_shows_fallback_models(as_ada: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    patch(as_ada, {"fallback_models": ["openai/gpt-5-mini"]})
    runs = f"{DEMO}/runs"
    assert as_ada.send(runs, {"task": "Count."}).json()["fallback_models"] == ["openai/gpt-5-mini"]
    own = as_ada.send(runs, {"task": "Count.", "fallback_models": ["openai/a", "openai/b"]})
    assert (own.status_code, own.json()["fallback_models"]) == (202, ["openai/a", "openai/b"])
    assert as_ada.send(runs, {"task": "Count.", "fallback_models": []}).json()["fallback_models"] == []
    wrong = as_ada.send(runs, {"task": "Count.", "fallback_models": ["openai/a", "nobody/b"]})
    assert [error["field"] for error in wrong.json()["errors"]] == ["fallback_models.1"]
