"""Reads items from a file, a line at a time: JSONL or CSV with the fields task, context, expected and split."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from rlmlab.errors import Invalid
from trajectories.improvement.items import NewItem

LINES: Final = 10_000
FILE_BYTES: Final = 50 << 20
FIELDS: Final = ("task", "context", "expected", "split")
REQUIRED: Final = ("task", "expected")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, counted from 1: the item it says, or what is wrong with it."""

    number: int
    item: NewItem | None
    problem: str = ""


def read(file: IO[bytes], *, name: str, split: str) -> Iterator[Line]:
    """Yield the lines of a JSONL or CSV file, as its name says; those that name no split get `split`.

    Raises:
        Invalid: it is neither, not in UTF-8, has wrong columns or too many lines.
    """
    suffix = name.lower().rpartition(".")[2]
    readers = {"jsonl": _jsonl, "ndjson": _jsonl, "csv": _csv}
    if suffix not in readers:
        raise Invalid.field("file", "must be named *.jsonl or *.csv")
    text = io.TextIOWrapper(file, "utf-8-sig", newline="" if suffix == "csv" else "\n")
    try:
        for count, line in enumerate(readers[suffix](text, split), start=1):
            if count > LINES:
                raise Invalid.field("file", f"has more than {LINES:,} lines; split it")
            yield line
    except UnicodeDecodeError as error:
        raise Invalid.field("file", f"is not in UTF-8: {error.reason}") from None
    except csv.Error as error:
        raise Invalid.field("file", f"is not valid CSV: {error}") from None
    finally:
        text.detach()  # the file is the caller's


def _jsonl(text: io.TextIOWrapper, split: str) -> Iterator[Line]:
    for number, line in enumerate(text, start=1):
        if line.strip():
            yield _json_line(number, line, split)


def _json_line(number: int, line: str, split: str) -> Line:
    try:
        row = json.loads(line)
    except ValueError as error:
        return Line(number, None, f"is not valid JSON: {error}")
    except RecursionError:
        return Line(number, None, "is nested too deeply")
    if not isinstance(row, dict):
        return Line(number, None, "must be a JSON object")
    return _line(number, row, split)


def _csv(text: io.TextIOWrapper, split: str) -> Iterator[Line]:
    csv.field_size_limit(FILE_BYTES)  # a context is longer than Python's default of 128 KB
    rows = csv.DictReader(text)
    columns = list(rows.fieldnames or ())
    if missing := [name for name in REQUIRED if name not in columns]:
        raise Invalid.field("file", f"needs a first line that names its columns; {missing[0]} is missing")
    if unknown := [name for name in columns if name not in FIELDS]:
        raise Invalid.field("file", f'has the unknown column "{unknown[0]}"; use {", ".join(FIELDS)}')
    for row in rows:
        if None in row:
            yield Line(rows.line_num, None, "has more cells than the first line names")
        else:
            yield _line(rows.line_num, {name: value for name, value in row.items() if value}, split)


def _line(number: int, row: Mapping[str, Any], split: str) -> Line:
    if unknown := sorted(set(row) - set(FIELDS)):
        return Line(number, None, f'has the unknown field "{unknown[0]}"; use {", ".join(FIELDS)}')
    if missing := [name for name in REQUIRED if name not in row]:
        return Line(number, None, f"{missing[0]} is missing")
    own = row.get("split") or split
    return Line(number, NewItem(row["task"], row["expected"], split=own, context=row.get("context")))
