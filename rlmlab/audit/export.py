"""The audit log as files for other programs: CSV and lines of JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from rlmlab.audit.queries import EntryView

COLUMNS: Final = (
    "at", "organization_id", "id", "actor_kind", "actor_id", "actor", "ip", "action", "sentence", "outcome",
    "object_type", "object_id", "subject", "changes",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_rows(entries: Sequence[EntryView]) -> str:
    """Write entries as rows in the order of COLUMNS."""
    return _csv([[_cell(value) for value in _record(entry).values()] for entry in entries])


def csv_head() -> str:
    """Write the names of the columns."""
    return _csv([list(COLUMNS)])


def json_lines(entries: Sequence[EntryView]) -> str:
    """Write an entry as a JSON document a line."""
    return "".join(f"{json.dumps(_record(entry), ensure_ascii=False)}\n" for entry in entries)


def safe_cell(text: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula: an apostrophe before what one would begin with.

    Source: OWASP, "CSV Injection".
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _record(entry: EntryView) -> dict[str, Any]:
    values = asdict(entry)
    values["changes"] = {change.field: {"before": change.before, "after": change.after} for change in entry.changes}
    return {name: _plain(values[name]) for name in COLUMNS}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else safe_cell(str(value))
