"""Writes many events, spans and totals at once: a statement each, however many runs they belong to.

They travel as one JSON text that PostgreSQL takes apart. The ORM's inserts spend most of a worker's processor time on
making a model of each row and quoting each of its values.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import connection

from rlmlab.engine.events import Event as EngineEvent
from rlmlab.engine.projection import SpanRow
from rlmlab.scoping.ids import uuid7

_OWN: Final = {"id": "uuid", "organization_id": "uuid", "run_id": "uuid"}
_EVENT: Final = _OWN | {
    "seq": "bigint", "at": "timestamptz", "span_id": "text", "parent_span_id": "text", "depth": "int", "type": "text",
    "payload": "jsonb",
}  # fmt: skip
_SPAN_VALUES: Final = {
    "parent_span_id": "text", "kind": "text", "name": "text", "path": "text", "attempt": "int", "depth": "int",
    "status": "text", "started_at": "timestamptz", "first_seq": "bigint", "seconds": "float8", "input_tokens": "bigint",
    "output_tokens": "bigint", "cached_tokens": "bigint", "cache_write_tokens": "bigint", "reasoning_tokens": "bigint",
    "cost_usd": "float8", "preview": "text", "coverage": "bigint[]",
}  # fmt: skip
_SPAN: Final = _OWN | {"span_id": "text"} | _SPAN_VALUES
_TOTALS: Final = {
    "id": "uuid", "organization_id": "uuid", "last_seq": "bigint", "input_tokens": "bigint", "output_tokens": "bigint",
    "cached_tokens": "bigint", "cache_write_tokens": "bigint", "reasoning_tokens": "bigint", "cost_usd": "float8",
    "model_calls": "int", "sub_calls": "int", "cached_sub_calls": "int", "saved_usd": "float8", "steps": "int",
    "reached_depth": "int", "seconds": "float8",
}  # fmt: skip
_KEYS: Final = ("id", "organization_id")
NAME_CHARACTERS: Final = 255


def _rows(columns: Mapping[str, str]) -> str:
    shape = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"SELECT {', '.join(columns)} FROM json_to_recordset(%s) AS given ({shape})"  # noqa: S608 - our own names


def _insert(table: str, columns: Mapping[str, str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) {_rows(columns)}"


_INSERT_EVENTS: Final = _insert("trajectories_event", _EVENT)
_WRITE_SPANS: Final = f"{_insert('trajectories_span', _SPAN)} ON CONFLICT (run_id, span_id) DO UPDATE SET " + ", ".join(
    f"{name} = EXCLUDED.{name}" for name in _SPAN_VALUES
)
_SET_TOTALS: Final = (
    "UPDATE trajectories_run AS run SET "  # noqa: S608 - our own names
    + ", ".join(f"{name} = given.{name}" for name in _TOTALS if name not in _KEYS)
    + f" FROM ({_rows(_TOTALS)}) AS given WHERE run.id = given.id AND run.organization_id = given.organization_id"
)

Owned = tuple[UUID, UUID]
"""A run and its organization."""


def write(
    totals: Sequence[Mapping[str, Any]],
    events: Iterable[tuple[Owned, Sequence[EngineEvent]]],
    spans: Iterable[tuple[Owned, Sequence[SpanRow]]],
) -> None:
    """Set totals, insert events, insert or replace spans, in one round trip; what is empty is left out.

    `totals` are rows of `_TOTALS`. All of a transaction's runs may come together.
    """
    texts = {
        _SET_TOTALS: [json.dumps(row, default=str) for row in totals],
        _INSERT_EVENTS: [_event(of, event) for of, mine in events for event in mine],
        _WRITE_SPANS: [_span(of, span) for of, mine in spans for span in mine],
    }
    wanted = {statement: f"[{','.join(rows)}]" for statement, rows in texts.items() if rows}
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute("; ".join(wanted), list(wanted.values()))


def _event(of: Owned, event: EngineEvent) -> str:
    head = {
        **_own(of),
        "seq": event.seq,
        "at": event.at.isoformat(),
        "span_id": event.span_id,
        "parent_span_id": event.parent_span_id or "",
        "depth": event.depth,
        "type": event.type,
    }
    return f'{json.dumps(head)[:-1]}, "payload": {event.payload.model_dump_json(exclude={"type"})}}}'


def _span(of: Owned, row: SpanRow) -> str:
    values = {name: getattr(row, name) for name in _SPAN_VALUES}
    values["parent_span_id"] = row.parent_span_id or ""
    values["name"] = row.name[:NAME_CHARACTERS]
    values["started_at"] = row.started_at.isoformat()
    return json.dumps({**_own(of), "span_id": row.span_id, **values})


def _own(of: Owned) -> dict[str, str]:
    run_id, organization_id = of
    return {"id": str(uuid7()), "organization_id": str(organization_id), "run_id": str(run_id)}
