"""A run as a file: as events a line each, and as one document."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from rlmlab.api import exports
from tests.api.conftest import ApiClient
from tests.factories.runs import finished_run, hold, make_run, record, steps
from tests.factories.tenancy import Tenant
from trajectories import queries
from trajectories.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


async def exported(acme: Tenant, run: Run, query: str = "") -> tuple[Any, str]:
    headers = {"Authorization": f"Bearer {acme.key}"}
    answer: Any = await AsyncClient().get(f"/api/v1/runs/{run.id}/export{query}", headers=headers)
    assert answer.status_code == 200
    return answer, b"".join([part async for part in answer.streaming_content]).decode()


@pytest.mark.parametrize("query", ["", "?format=jsonl"])
async def test_jsonl_is_an_event_a_line(acme: Tenant, query: str) -> None:
    run = await sync_to_async(finished_run)(acme.principal, acme.project, 220)
    answer, text = await exported(acme, run, query)
    events = [json.loads(line) for line in text.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, 1103))
    assert answer.headers["Content-Type"] == "application/jsonl"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="run-{run.id}.jsonl"'


async def test_json_is_one_document_of_what_the_interface_shows(acme: Tenant) -> None:
    run = await sync_to_async(finished_run)(acme.principal, acme.project, 2, task='Say "é" \n and \\u2028.')
    answer, text = await exported(acme, run, "?format=json")
    found = json.loads(text)
    client = ApiClient(acme.key)

    def shown(path: str) -> Any:
        return client.get(f"/api/v1/runs/{run.id}{path}").json()

    assert list(found) == ["run", "spans", "events"]
    assert found["run"] == await sync_to_async(shown)("")
    assert found["spans"] == (await sync_to_async(shown)("/spans"))["items"]
    assert found["events"] == (await sync_to_async(shown)("/events"))["items"]
    assert (len(found["spans"]), len(found["events"])) == (5, 12)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="run-{run.id}.json"'


async def test_json_is_read_page_by_page(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "HIGHEST_LIMIT", 3)
    made = await sync_to_async(finished_run)(acme.principal, acme.project, 4)
    run = await sync_to_async(queries.run_for)(acme.principal, made.id)
    parts = [part async for part in exports.parts(run, "json")]
    found = json.loads("".join(parts))
    assert [event["seq"] for event in found["events"]] == list(range(1, 23))
    assert [span["kind"] for span in found["spans"]] == ["run", *["step", "model_call"] * 4]
    assert max(part.count('"span_id"') for part in parts) == 3
    assert len(parts) == 3 + 3 + 8


async def test_run_without_events_is_a_document_too(acme: Tenant) -> None:
    run = await sync_to_async(make_run)(acme.principal, acme.project)
    _, text = await exported(acme, run, "?format=json")
    found = json.loads(text)
    assert (found["run"]["status"], found["spans"], found["events"]) == ("queued", [], [])
    assert (await exported(acme, run))[1] == ""


async def test_running_run_gives_what_is_stored(acme: Tenant) -> None:
    def half_a_run() -> Run:
        run = make_run(acme.principal, acme.project)
        record(run, steps(run)[:3], holder=hold(run))
        return run

    _, text = await exported(acme, await sync_to_async(half_a_run)(), "?format=json")
    found = json.loads(text)
    assert [event["type"] for event in found["events"]] == ["span_started"] * 3
    assert [span["status"] for span in found["spans"]] == ["running"] * 3


async def test_pages_of_an_array_are_joined_by_commas() -> None:
    async def pages(*given: list[str]) -> AsyncIterator[list[str]]:
        for page in given:
            yield page

    assert [part async for part in exports.joined(pages(["1", "2"], ["3"]))] == ["1,2", ",3"]
    assert [part async for part in exports.joined(pages())] == []


def test_unknown_format_is_named(as_ada: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    answer = as_ada.get(f"/api/v1/runs/{run.id}/export", {"format": "csv"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "format"


def test_another_organizations_run_is_not_there(as_bo: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    assert as_bo.get(f"/api/v1/runs/{run.id}/export", {"format": "json"}).status_code == 404


def test_viewer_may_take_a_run_along(as_vera: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    assert as_vera.get(f"/api/v1/runs/{run.id}/export", {"format": "json"}).status_code == 200
