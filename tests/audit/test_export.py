"""The audit log as files."""

import csv
import io
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from rlmlab.audit.diff import changes_of
from rlmlab.audit.export import COLUMNS, csv_head, csv_rows, json_lines, safe_cell
from rlmlab.audit.queries import EntryView

ID = UUID(int=7)


def entry(actor: str = "ada@acme.example", **changes: object) -> EntryView:
    return EntryView(
        id=ID, organization_id=UUID(int=1), at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), actor_kind="user",
        actor_id=UUID(int=2), actor=actor, ip="", action="project.create", sentence="created, and “said” so\nin lines",
        object_type="project", object_id=None, outcome="ok", subject="", changes=changes_of(changes),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_cell_is_no_formula(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "ada@acme.example", "1-1", "a=b"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


def test_rows_read_back_as_they_were() -> None:
    (row,) = csv.DictReader(
        io.StringIO(csv_head() + csv_rows([entry("=cmd", role={"from": "a", "to": "b"})]), newline="")
    )
    assert tuple(row) == COLUMNS
    assert (row["id"], row["at"], row["object_id"]) == (str(ID), "2026-01-02T03:04:05+00:00", "")
    assert (row["actor"], row["sentence"]) == ("'=cmd", "created, and “said” so\nin lines")
    assert json.loads(row["changes"]) == {"role": {"before": "a", "after": "b"}}


def test_lines_are_json_documents_with_values_as_they_are() -> None:
    text = json_lines([entry("=cmd", name="é"), entry()])
    first, second = (json.loads(line) for line in text.splitlines())
    assert (first["actor"], first["object_id"], first["changes"]) == (
        "=cmd",
        None,
        {"name": {"before": "", "after": "é"}},
    )
    assert second["changes"] == {}
    assert tuple(first) == COLUMNS
