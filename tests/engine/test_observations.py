"""What a model is told of its cells, and what is stored of their output."""

import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.events import Output
from rlmlab.engine.observations import SHOWN_CHARS, CellView, Shown, observe
from rlmlab.engine.output import PIECE_CHARS, OutputBuffer
from rlmlab.engine.spans import Spans, SpanStart
from rlmlab.engine.stream import EventStream
from sandbox.base import PROFILES, CellError, CellResult, Submission, Usage
from tests.engine.fakes.sink import MemorySink

NOTHING = Submission(content="", ready=False)


def result(**fields: object) -> CellResult:
    return CellResult(**{"status": "ok", "submission": NOTHING, "usage": Usage(0.1), **fields})


def seen(code: str = "x", printed: str = "", **fields: object) -> str:
    view = CellView(code)
    if printed:
        view.add("stdout", printed)
    return observe(view, result(**fields), PROFILES["default"])


def test_output_is_told_as_it_is() -> None:
    assert seen(printed="a\n b\n") == "a\n b"


def test_silence_is_told() -> None:
    assert seen() == "[The cell ran and printed nothing. Use print() to see values.]"


def test_error_is_told_with_its_line_and_what_was_printed_before() -> None:
    error = CellError("KeyError", "'k'", 2, "Traceback …")
    assert seen("a = {}\n  a['k']\n", "before\n", status="error", error=error) == (
        "before\n[Error in line 2] KeyError: 'k'\n    a['k']\n[What was printed before it stands above.]"
    )
    assert seen("a = {}\na['k']", status="error", error=error).endswith("[Nothing was printed before it.]")


@pytest.mark.parametrize("line", [None, 0, 99])
def test_error_without_a_line_of_the_cell_is_told_without(line: int | None) -> None:
    assert seen(status="error", error=CellError("SyntaxError", "", line, "")) == "[Error] SyntaxError"


def test_long_error_message_is_cut() -> None:
    error = CellError("ValueError", "m" * 50_000, 1, "")
    told = seen(status="error", error=error)
    assert len(told) < 3_000
    assert "48,000 of 50,000 characters are not shown" in told


def test_dropped_output_is_told() -> None:
    told = seen(printed="x", truncated_bytes={"stdout": 1_500, "stderr": 0})
    assert told == "x\n[The cell printed 1,500 bytes more than the output limit; they are lost. Print less.]"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("killed_time", "it ran longer than 60 seconds"),
        ("killed_memory", "it needed more than 1024 MB of memory"),
        ("killed", "its process ended"),
    ],
)
def test_killed_cell_is_told_with_its_reason_and_the_loss(status: str, reason: str) -> None:
    told = seen(printed="p\n", status=status, alive=False)
    assert told.startswith(f"p\n[The cell was killed: {reason}. A new REPL was started: all variables")


@given(st.lists(st.text(max_size=60), max_size=40), st.integers(1, 120))
def test_shown_text_is_whole_or_says_what_is_missing(pieces: list[str], limit: int) -> None:
    shown, whole = Shown(limit), "".join(pieces)
    for piece in pieces:
        shown.add(piece)
    if len(whole) <= limit - max(1, limit // 4):
        assert shown.text() == whole
    text = shown.text()
    if "characters are not shown" not in text:
        assert text == whole
    else:
        head, tail = text.split("\n[… ")[0], text.split(" …]\n", 1)[1]
        assert whole.startswith(head)
        assert whole.endswith(tail)
        assert f"{len(whole) - len(head) - len(tail):,} of {len(whole):,} characters" in text


def test_cut_text_tells_how_to_see_the_rest() -> None:
    shown = Shown()
    for number in range(3_000):
        shown.add(f"{number:05}\n")
    text = shown.text()
    assert len(text) < SHOWN_CHARS + 300
    assert "10,000 of 18,000 characters are not shown." in text
    assert "print(text[6000:14000])" in text
    assert text.endswith("02999\n")


async def buffered() -> tuple[OutputBuffer, MemorySink]:
    sink, clock = MemorySink(), SystemClock()
    spans = Spans(EventStream(UUID(int=1), [sink], clock), clock)
    opened = spans.open(SpanStart("execution", "cell 1", "1/c1", 0), None)
    return OutputBuffer(opened.__enter__(), CellView("x")), sink


def outputs(sink: MemorySink) -> list[tuple[str, str]]:
    return [(output.channel, output.text) for output in sink.payloads(Output)]


async def test_small_pieces_become_one_event_after_a_moment() -> None:
    buffer, sink = await buffered()
    for letter in "abc":
        buffer.write("stdout", letter)
    assert outputs(sink) == []
    await asyncio.sleep(0.15)
    assert outputs(sink) == [("stdout", "abc")]


async def test_channels_keep_their_order() -> None:
    buffer, sink = await buffered()
    for channel, text in (("stdout", "1"), ("stderr", "2"), ("stderr", "3"), ("stdout", "4")):
        buffer.write(channel, text)
    buffer.flush()
    assert outputs(sink) == [("stdout", "1"), ("stderr", "23"), ("stdout", "4")]


async def test_large_output_is_cut_into_pieces_that_add_up() -> None:
    buffer, sink = await buffered()
    buffer.write("stdout", "x" * (PIECE_CHARS * 2 + 5))
    assert [len(text) for _, text in outputs(sink)] == [PIECE_CHARS, PIECE_CHARS, 5]


async def test_end_adds_the_traceback_and_marks_what_was_dropped() -> None:
    buffer, sink = await buffered()
    buffer.write("stdout", "before")
    buffer.finish(
        result(status="error", error=CellError("E", "m", 1, "tb"), truncated_bytes={"stdout": 7, "stderr": 0})
    )
    assert outputs(sink) == [("stdout", "before"), ("error", "tb"), ("stdout", "")]
    assert [output.truncated for output in sink.payloads(Output)] == [False, False, True]


async def test_traceback_that_came_as_output_is_not_doubled() -> None:
    buffer, sink = await buffered()
    buffer.write("error", "tb")
    buffer.finish(result(status="error", error=CellError("E", "m", 1, "tb")))
    assert outputs(sink) == [("error", "tb")]
