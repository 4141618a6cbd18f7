"""The API's document: served, committed, shown with local assets; and sweeps over all its operations."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rlmlab.api.urls import api
from rlmlab.tenancy.actions.projects import create_project
from tests.api.conftest import ApiClient
from tests.factories.runs import finished_run
from tests.factories.sweep import BODIES, filled, things_of
from tests.factories.tenancy import Tenant

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
DOCUMENT = json.loads(json.dumps(api.get_openapi_schema()))
OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
BY_MODEL = [("post", "/v1/chat/completions")]  # what it is about stands in the body


def test_committed_document_is_the_served_one(client: Client) -> None:
    """When this fails: `python manage.py openapi` writes it anew."""
    assert client.get("/api/openapi.json").json() == json.loads(COMMITTED.read_text()) == DOCUMENT


def test_every_operation_is_described_and_secured() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert len(operation["security"]) == (1 if path.startswith("/v1/") else 2), (method, path)
    assert len(OPERATIONS) >= 9


def test_page_loads_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/api/docs")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert 'data-openapi-url="/api/openapi.json"' in page
    assert re.findall(r'(?:src|href)="((?!/)[^"]*)"', page) == []
    assert "<style" not in page
    assert len(re.findall(r"<script", page)) == 2


def request(client: ApiClient, method: str, path: str, things: dict[str, Any]) -> Any:
    """Make an operation's request as its body should be."""
    url = filled(path, things)
    if path.endswith("/files") and method == "post":
        with COMMITTED.open("rb") as file:
            return client.post(url, {"file": file})
    body = BODIES.get((method, path))
    if method in {"get", "delete"} and body is None:
        return getattr(client, method)(url)
    return getattr(client, method)(url, body or {}, content_type="application/json")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nobody_gets_in(nobody: ApiClient, acme: Tenant, method: str, path: str) -> None:
    assert request(nobody, method, path, things_of(acme)).status_code == 401


@pytest.mark.parametrize(("method", "path"), [pair for pair in OPERATIONS if "{" in pair[1] or pair in BY_MODEL])
def test_bo_gets_404(as_bo: ApiClient, acme: Tenant, bolt: Tenant, method: str, path: str) -> None:
    answer = request(as_bo, method, path, things_of(acme))
    assert answer.status_code == 404, answer.content
    wanted = "application/json" if path.startswith("/v1/") else "application/problem+json"
    assert answer.headers["Content-Type"] == wanted


@pytest.mark.parametrize(
    "path", ["/api/v1/projects", "/api/v1/projects/demo/runs", "/api/v1/runs/{}/events", "/api/v1/runs/{}/spans"]
)
def test_lists_ask_equally_often_at_one_and_three_items(as_ada: ApiClient, acme: Tenant, path: str) -> None:
    run = finished_run(acme.principal, acme.project, 1)

    def queries_of(url: str) -> tuple[int, int]:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            items = as_ada.get(url).json()["items"]
        return len(items), len(captured)

    as_ada.get(path.format(run.id))  # notes the key's use
    one = queries_of(path.format(run.id))
    for number in range(2):
        create_project(by=acme.principal, slug=f"more-{number}")
        finished_run(acme.principal, acme.project)
    three = queries_of(path.format(finished_run(acme.principal, acme.project, 3).id))
    assert three[0] > one[0]
    assert three[1] == one[1]
