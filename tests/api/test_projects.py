"""Projects over REST."""

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
