"""A run's spans as streamed columns."""

import json
import zlib
from datetime import datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from rlmlab.api import skeletons
from tests.api.conftest import ApiClient
from tests.factories.runs import finished_run, hold, make_run, record, steps
from tests.factories.tenancy import Tenant
from trajectories.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


async def asked(tenant: Tenant, run: Run, query: str = "", **headers: str) -> tuple[Any, list[bytes]]:
    sent = {"Authorization": f"Bearer {tenant.key}", "Accept": "application/x-ndjson"} | headers
    answer: Any = await AsyncClient().get(f"/api/v1/runs/{run.id}/spans{query}", headers=sent)
    return answer, [part async for part in answer.streaming_content] if answer.streaming else [answer.content]


def rows_of(text: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the head and the spans as objects."""
    head, *lines = [json.loads(line) for line in text.splitlines()]
    columns = [zip(*line, strict=True) for line in lines]
    return head, [dict(zip(head["columns"], row, strict=True)) for rows in columns for row in rows]


async def test_the_columns_hold_what_the_pages_hold(acme: Tenant) -> None:
    run = await sync_to_async(finished_run)(acme.principal, acme.project, 3)
    answer, parts = await asked(acme, run)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-ndjson")
    assert "Content-Encoding" not in answer.headers
    head, rows = rows_of(b"".join(parts))
    pages = await sync_to_async(ApiClient(acme.key).get)(f"/api/v1/runs/{run.id}/spans")
    shown = pages.json()["items"]
    assert head == {"columns": list(skeletons.COLUMNS), "last_seq": 17}
    assert [row.pop("first_seq") for row in rows] == [1, 2, 3, 7, 8, 12, 13]
    for row, span in zip(rows, shown, strict=True):
        started = datetime.fromisoformat(span.pop("started_at")).timestamp() * 1000
        assert 0 <= started - row.pop("started_ms") < 1
        parts = [row.pop(name) for name in ("cached_tokens", "cache_write_tokens", "reasoning_tokens")]
        tokens = span.pop("tokens")
        assert parts == [tokens["cache_read"], tokens["cache_write"], tokens["reasoning"]]
        assert row == span


async def test_spans_come_a_line_at_a_time(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skeletons, "LINE_SPANS", 2)
    run = await sync_to_async(finished_run)(acme.principal, acme.project, 2)
    _, parts = await asked(acme, run)
    assert [part.count(b"\n") for part in parts] == [1, 1, 1, 1]
    assert [len(json.loads(part)[0]) for part in parts[1:]] == [2, 2, 1]


async def test_a_reader_of_gzip_can_begin_before_the_end(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skeletons, "LINE_SPANS", 100)
    run = await sync_to_async(finished_run)(acme.principal, acme.project, 100)
    plain = await asked(acme, run)
    answer, parts = await asked(acme, run, **{"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"].startswith("Accept, Accept-Encoding")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    unpacked = [unpacker.decompress(part) for part in parts]
    assert unpacked[:2] == plain[1][:2]
    assert b"".join(unpacked) == b"".join(plain[1])
    assert unpacker.eof
    assert len(b"".join(parts)) * 3 < len(b"".join(unpacked))


async def test_a_run_without_spans_is_the_head_alone(acme: Tenant) -> None:
    run = await sync_to_async(make_run)(acme.principal, acme.project)
    _, parts = await asked(acme, run, **{"Accept-Encoding": "gzip"})
    head, rows = rows_of(zlib.decompress(b"".join(parts), wbits=zlib.MAX_WBITS | 16))
    assert (head["last_seq"], rows) == (0, [])


async def test_a_running_run_shows_what_is_stored_behind_a_number(acme: Tenant) -> None:
    def running() -> Run:
        run = make_run(acme.principal, acme.project)
        record(run, steps(run)[:3], holder=hold(run))
        return run

    run = await sync_to_async(running)()
    _, parts = await asked(acme, run, "?cursor=1")
    head, rows = rows_of(b"".join(parts))
    assert head["last_seq"] == 3
    assert [(row["kind"], row["status"], row["seconds"]) for row in rows] == [
        ("step", "running", None),
        ("model_call", "running", None),
    ]


async def test_another_organization_gets_404(acme: Tenant, bolt: Tenant) -> None:
    run = await sync_to_async(finished_run)(acme.principal, acme.project)
    answer, _ = await asked(bolt, run)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
