"""Every list of the API is read page by page in the same way."""

from typing import Any

import pytest

from rlmlab.tenancy.actions.projects import create_project
from tests.api.conftest import ApiClient
from tests.api.test_openapi import DOCUMENT
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant

HIGHEST = 2**63 - 1
SHORT = {
    "/api/v1/projects/{slug}/examples/preview": "no more than a prompt holds",
    "/api/v1/runs/{run_id}/examples": "no more than a prompt holds",
}
LISTS = ["/api/v1/projects", "/api/v1/projects/demo/runs", "/api/v1/runs/{}/events", "/api/v1/runs/{}/spans"]


def listing_operations() -> dict[str, dict[str, Any]]:
    """The operations that answer `{items, next_cursor}`, by path."""
    schemas = DOCUMENT["components"]["schemas"]
    pages = {f"#/components/schemas/{name}" for name in schemas if "next_cursor" in schemas[name].get("properties", {})}
    found = {}
    for path, methods in DOCUMENT["paths"].items():
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if content.get("application/json", {}).get("schema", {}).get("$ref") in pages:
            found[path] = methods["get"]
    return found


@pytest.fixture
def filled(acme: Tenant) -> str:
    """Three of everything; returns the id of a run."""
    for slug in ("second", "third"):
        create_project(by=acme.principal, slug=slug)
    runs = [finished_run(acme.principal, acme.project, 2) for _ in range(3)]
    return str(runs[0].id)


def test_every_list_takes_a_cursor_and_a_limit() -> None:
    found = listing_operations()
    assert {path.replace("{slug}", "demo").replace("{run_id}", "{}") for path in found} >= set(LISTS)
    assert SHORT.keys() <= found.keys()
    for path in found.keys() - SHORT.keys():
        operation = found[path]
        parameters = {item["name"]: item["schema"] for item in operation["parameters"] if item["in"] == "query"}
        assert {"cursor", "limit"} <= parameters.keys(), path
        limit = parameters["limit"]
        assert (limit["default"], limit["minimum"], limit["maximum"]) == (100, 1, 1000), path


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_pages_follow_each_other_without_gap_or_repetition(
    as_ada: ApiClient, filled: str, path: str, limit: int
) -> None:
    url = path.format(filled)
    everything = as_ada.get(url).json()["items"]
    assert len(everything) >= 3
    found: list[Any] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = as_ada.get(url, query).json()
        assert 0 < len(page["items"]) <= limit
        found += page["items"]
        if page["next_cursor"] is None:
            break
        assert isinstance(page["next_cursor"], str)
        query["cursor"] = page["next_cursor"]
    assert found == everything


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"cursor": "\x00"}])
def test_odd_pages_are_named(as_ada: ApiClient, filled: str, path: str, query: dict[str, Any]) -> None:
    answer = as_ada.get(path.format(filled), query)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == list(query)


@pytest.mark.parametrize("path", LISTS[2:])
@pytest.mark.parametrize("cursor", [HIGHEST, HIGHEST + 1, -1, "x", "1.5"])
def test_numbers_of_events_stay_within_what_the_database_counts(
    as_ada: ApiClient, filled: str, path: str, cursor: Any
) -> None:
    answer = as_ada.get(path.format(filled), {"cursor": cursor})
    if cursor == HIGHEST:
        assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})
    else:
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")
