"""Importing items from files: all or nothing, each bad line by its number."""

import io
import json
import time
from typing import Any

import pytest

from rlmlab.errors import Invalid, NotAllowed
from rlmlab.tenancy.principals import Principal
from tests.factories.datasets import items_of, make_dataset
from tests.factories.tenancy import Tenant
from trajectories.actions.datasets import import_items
from trajectories.improvement import uploads, writing
from trajectories.improvement.datasets import dataset_by_name

pytestmark = pytest.mark.django_db


def load(tenant: Tenant, content: str | bytes, name: str = "items.jsonl", *, checker: str = "exact") -> Any:
    dataset = make_dataset(tenant.principal, tenant.project, checker=checker)
    data = content if isinstance(content, bytes) else content.encode()
    count = import_items(by=tenant.principal, dataset=dataset, file=io.BytesIO(data), name=name, split="dev")
    rows = items_of(dataset)
    assert count == len(rows)
    return [(row.task, row.expected, row.split, row.blob.size if row.blob else None) for row in rows]


def refused(tenant: Tenant, content: str | bytes, name: str = "items.jsonl", *, checker: str = "exact") -> list[str]:
    with pytest.raises(Invalid) as caught:
        load(tenant, content, name, checker=checker)
    assert {error.field for error in caught.value.errors} == {"file"}
    assert items_of(dataset_by_name(tenant.principal, tenant.project, "sums").dataset) == []
    return [error.message for error in caught.value.errors]


def test_jsonl(acme: Tenant) -> None:
    content = (
        '\ufeff{"task": "One", "expected": "1"}\r\n'
        "\n"
        '{"task": "Two\\nlines", "expected": {"a": 2}, "split": "train", "context": [1, 2]}\n'
        '{"task": "Three", "expected": 3, "context": "a\\u2028b", "split": null}'
    )
    assert load(acme, content, checker="json") == [
        ("One", "1", "dev", None),
        ("Two\nlines", {"a": 2}, "train", 6),
        ("Three", 3, "dev", 5),
    ]


def test_csv(acme: Tenant) -> None:
    content = 'task,expected,split,context\r\n"One, or ""two""",1,,\nTwo,2,train,"a\nb"\n\nThree,3\n'
    assert load(acme, content, "Items.CSV") == [
        ('One, or "two"', "1", "dev", None),
        ("Two", "2", "train", 3),
        ("Three", "3", "dev", None),
    ]


def test_csv_takes_a_long_context(acme: Tenant) -> None:
    assert load(acme, f"task,expected,context\nOne,1,{'x' * 3_000_000}\n", "a.csv") == [("One", "1", "dev", 3_000_000)]


def test_each_bad_line_is_named_by_its_number(acme: Tenant) -> None:
    content = "\n".join(
        [
            '{"task": "One", "expected": "1"}',
            '{"task": "Two", "expected": "1"',
            "[]",
            '{"task": "", "expected": "", "split": "test"}',
            '{"task": "Five"}',
            '{"task": "Six", "expected": "1", "answer": "1"}',
            '{"task": "One", "expected": "2"}',
            '{"task": 8, "expected": null, "context": 8}',
            "[" * 100_000,
        ]
    )
    messages = refused(acme, content)
    assert messages[0].startswith("line 2: is not valid JSON: ")
    assert messages[1:] == [
        "line 3: must be a JSON object",
        "line 4: task must not be empty",
        "line 4: split must be one of train, dev, holdout",
        "line 4: expected must not be empty",
        "line 5: expected is missing",
        'line 6: has the unknown field "answer"; use task, context, expected, split',
        "line 7: is there already with the same input: item 1",
        "line 8: task must be a text",
        "line 8: context must be a string, a list or an object",
        "line 8: expected must not be null",
        "line 9: is nested too deeply",
    ]


def test_csv_names_lines_as_an_editor_does(acme: Tenant) -> None:
    content = 'task,expected\n"two\nlines",1\nThree,\nFour,4,4\n'
    assert refused(acme, content, "a.csv") == [
        "line 4: expected is missing",
        "line 5: has more cells than the first line names",
    ]


def test_many_bad_lines_are_counted(acme: Tenant) -> None:
    messages = refused(acme, "x\n" * 25)
    assert len(messages) == 21
    assert messages[-1] == "and 5 more; nothing was added"


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "a.jsonl", "has no items"),
        ("\n\n", "a.jsonl", "has no items"),
        ("", "a.csv", "needs a first line that names its columns; task is missing"),
        ("task,answer\n", "a.csv", "needs a first line that names its columns; expected is missing"),
        ("task,expected,odd\n", "a.csv", 'has the unknown column "odd"; use task, context, expected, split'),
        ("task,expected\n", "a.csv", "has no items"),
        ("{}", "a.xlsx", "must be named *.jsonl or *.csv"),
        (b'{"task": "\xff"}', "a.jsonl", "is not in UTF-8: invalid start byte"),
        (b"task,expected\n\xff,1\n", "a.csv", "is not in UTF-8: invalid start byte"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(acme: Tenant, content: Any, name: str, message: str) -> None:
    assert refused(acme, content, name) == [message]


def test_too_many_lines_are_refused(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LINES", 2)
    lines = [json.dumps({"task": f"Task {number}", "expected": "1"}) for number in range(3)]
    assert refused(acme, "\n".join(lines)) == ["has more than 2 lines; split it"]


def test_nothing_is_half_imported_when_a_late_line_is_bad(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH_ITEMS", 2)
    lines = [json.dumps({"task": f"Task {number}", "expected": "1", "context": "x"}) for number in range(7)]
    assert refused(acme, "\n".join([*lines, lines[0]])) == ["line 8: is there already with the same input: item 1"]


def test_a_viewer_may_not_import(acme: Tenant, vera: Principal) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    with pytest.raises(NotAllowed):
        import_items(by=vera, dataset=dataset, file=io.BytesIO(b""), name="a.csv", split="dev")


def test_ten_thousand_lines_are_imported_in_bounded_time(acme: Tenant) -> None:
    """Measured: about 3 s on two busy cores; a statement for each item would take a minute."""
    lines = [
        json.dumps({"task": f"Task {number}", "expected": "1", "context": f"c{number}"}) for number in range(10_000)
    ]
    started = time.monotonic()
    assert len(load(acme, "\n".join(lines))) == 10_000
    assert time.monotonic() - started < 40
