"""What a run read of its input, and when too little of it is worth a word."""

from typing import Any

import pytest

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.events import AnyPayload, Code, SpanFinished, SpanStarted
from rlmlab.engine.stream import EventStream, span_id_of
from tests.factories.runs import make_run, record, reload
from tests.factories.tenancy import Tenant
from trajectories.actions.files import store_file
from trajectories.closing import Collected
from trajectories.coverage import asks_about_all, coverage_of, merged, works_on_all
from trajectories.models import Run

ALL = "How many people are named?"


def read_run(acme: Tenant, code: str, *ranges: list[int], task: str = ALL, **fields: Any) -> Run:
    run = make_run(acme.principal, acme.project, task=task, **({"context": "x" * 1000} | fields))
    collected = Collected()
    stream = EventStream(run.id, [collected], SystemClock())
    root = span_id_of(run.id, "", 1)

    def emit(payload: AnyPayload, path: str) -> None:
        span_id = span_id_of(run.id, path, 1)
        stream.emit(payload, span_id=span_id, parent_span_id=root if path else None, depth=0)

    emit(SpanStarted(kind="run", name="m", path=""), "")
    for number, seen in enumerate(ranges):
        path = f"1/c{number}"
        emit(SpanStarted(kind="execution", name=f"cell {number}", path=path), path)
        emit(Code(cell=1, code=code), path)
        emit(SpanFinished(kind="execution", status="ok", seconds=0.1, data={"coverage": seen}), path)
    emit(SpanFinished(kind="run", status="ok", seconds=1.0, data={"finish_reason": "submitted"}), "")
    record(run, collected.events)
    return reload(run)


def test_what_spans_saw_is_joined(acme: Tenant) -> None:
    found = coverage_of(read_run(acme, "print(context[:9])", [0, 100], [50, 200, 900, 950], []))
    assert (found.known, found.size, found.read, found.read_bytes) == (True, 1000, [0, 200, 900, 950], 250)
    assert [(reader.name, reader.ranges) for reader in found.readers] == [
        ("cell 0", [0, 100]),
        ("cell 1", [50, 200, 900, 950]),
    ]


def test_question_about_all_that_left_much_out_is_warned_of(acme: Tenant) -> None:
    found = coverage_of(read_run(acme, "print(context[:380])", [0, 380]))
    assert found.warning.startswith("This question seems to ask about the whole input, but 62% of it was found in no")


@pytest.mark.parametrize(
    ("code", "seen", "task"),
    [
        ("print(context[:600])", [0, 600], ALL),
        ("print(context[:380])", [0, 380], "Who is the author?"),
        ("print(context.count('x'))", [0, 10], ALL),
    ],
)
def test_no_warning_without_reason(acme: Tenant, code: str, seen: list[int], task: str) -> None:
    assert coverage_of(read_run(acme, code, seen, task=task)).warning == ""


def test_run_at_work_is_not_warned_of(acme: Tenant) -> None:
    found = coverage_of(make_run(acme.principal, acme.project, task=ALL, context="x"))
    assert (found.known, found.read, found.warning) == (True, [], "")


def test_files_are_named_where_they_begin(acme: Tenant) -> None:
    files = [store_file(by=acme.principal, project=acme.project, name=name, chunks=[b"xy"]) for name in ("a", "b")]
    run = make_run(acme.principal, acme.project, files=[file.id for file in files])
    assert coverage_of(run).parts == [("a", 0), ("b", 2)]


@pytest.mark.parametrize("context", [None, ["a list"]])
def test_nothing_is_known_of_json_or_no_input(acme: Tenant, context: Any) -> None:
    assert coverage_of(make_run(acme.principal, acme.project, context=context)).known is False


def test_ranges_are_joined_where_they_touch() -> None:
    assert merged([[5, 7, 9, 10], [0, 2], [2, 3], [6, 9]]) == [0, 3, 5, 10]
    assert merged([]) == []


@pytest.mark.parametrize(
    ("task", "asks"),
    [("Count the words.", True), ("Summarise all chapters", True), ("Who wrote it?", False)],
)
def test_words_tell_a_question_about_all(task: str, asks: bool) -> None:
    assert asks_about_all(task) is asks


@pytest.mark.parametrize(
    ("code", "works"),
    [
        ("print(len(context), type(context))", False),
        ("print(context[:500], context[i : i + n])", False),
        ("llm_query('x' + context[a:b])", False),
        ("lines = context.splitlines()", True),
        ("re.findall('x', context)", True),
        ("for name in context: pass", True),
        ("contexts = 1", False),
    ],
)
def test_code_that_goes_through_all_is_told_from_slices(code: str, works: bool) -> None:
    assert works_on_all([code]) is works
