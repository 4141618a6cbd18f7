"""Searching and slicing a level's input: offsets that fit the REPL's, hostile patterns, bounds."""

import re
import time
from typing import Any

import pytest

from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.tools import searching
from rlmlab.engine.tools.base import tool
from rlmlab.engine.tools.searching import Search, grep_tool, slice_tool
from rlmlab.engine.types import ContextInfo
from sandbox.base import ContextPart, ContextSource, context_in_memory
from tests.engine.conftest import Lab, Ran
from tests.engine.fakes.provider import by_level, turns

TEXT = "first line\nthe côte d'Azur\nÄrger und Öl, 42 mal\nlast line 42"
TOOLS = (grep_tool(), slice_tool())
INFO = ContextInfo("text", len(TEXT.encode()))


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


async def run(lab: Lab, cell: str, source: Any = TEXT) -> Ran:
    async def opened() -> ContextSource | None:
        return source() if callable(source) else context_in_memory("text", [source.encode("utf-8", "surrogatepass")])

    script = turns(code(f"try:\n    FINAL({cell})\nexcept ToolError as error:\n    FINAL(str(error))"))
    return await lab.run(script, tools=TOOLS, context=INFO, open_context=opened)


async def test_matches_have_lines_and_the_characters_that_the_repl_counts(lab: Lab) -> None:
    cell = "[(m['line'], m['text'], context[m['start']:m['end']]) for m in grep('[0-9]+|ô|Ä')['matches']]"
    ran = await run(lab, cell)
    third = "Ärger und Öl, 42 mal"
    assert ran.outcome.answer == [
        [2, "the côte d'Azur", "ô"],
        [3, third, "Ä"],
        [3, third, "42"],
        [4, "last line 42", "42"],
    ]
    assert ran.sink.finished("1/1").result["more"] is False


@pytest.mark.parametrize(
    ("call", "lines"),
    [
        ("grep('LAST', ignore_case=True)", [4]),
        ("grep('LAST')", []),
        ("grep('^first|line$')", [1, 1]),
        ("grep('e.*\\\\n.*e')", []),  # a match stays within its line
        ("grep('^')", [1, 2, 3, 4]),
    ],
)
async def test_pattern_matches_within_lines(lab: Lab, call: str, lines: list[int]) -> None:
    ran = await run(lab, f"[m['line'] for m in {call}['matches']]")
    assert ran.outcome.answer == lines


async def test_limit_is_said(lab: Lab) -> None:
    assert (await run(lab, "[grep('42', limit=1)['more'], grep('42', limit=2)['more']]")).outcome.answer == [
        True,
        False,
    ]


async def test_files_are_searched_each_with_its_own_lines(lab: Lab) -> None:
    def source() -> ContextSource:
        parts = (ContextPart("a.txt", 0, 8), ContextPart("b.bin", 8, 7))
        return context_in_memory("files", [b"one\ntwo\n", b"\xff\xfe\ntwo"], parts)

    cell = "[[m['file'], m['line'], context[m['file']][m['start']:m['end']]] for m in grep('two')['matches']]"
    assert (await run(lab, cell, source)).outcome.answer == [["a.txt", 2, "two"], ["b.bin", 2, "two"]]
    cell = "slice_context(0, 3)"
    assert "`context` is a dict of several files; read_file" in (await run(lab, cell, source)).outcome.answer


async def test_json_is_searched_as_its_text(lab: Lab) -> None:
    def source() -> ContextSource:
        return context_in_memory("json", [b'[{"name": "Ada"}, {"name": "Bo"}]'])

    cell = "[grep('B.')['matches'][0]['start'], slice_context(1, 16)]"
    assert (await run(lab, cell, source)).outcome.answer == [28, '{"name": "Ada"}']


async def test_level_searches_its_own_input_and_no_input_is_said(lab: Lab) -> None:
    async def opened() -> ContextSource | None:
        return context_in_memory("text", [TEXT.encode()])

    root = turns(code("FINAL([rlm_query('Child', context='a 42'), rlm_query('Nothing')])"))
    child = turns(code("FINAL(grep('42')['matches'])"))
    nothing = turns(code("try:\n    grep('42')\nexcept ToolError as error:\n    FINAL(str(error))"))
    ran = await lab.run(
        by_level({"Root": root, "Child": child, "Nothing": nothing}), tools=TOOLS, context=INFO, open_context=opened
    )
    match = {"line": 1, "start": 2, "end": 4, "text": "a 42"}
    assert ran.outcome.answer == [[match], "grep: there is no input: `context` is None"]


@pytest.mark.parametrize(
    ("start", "end"), [(0, 5), (11, 20), (len(TEXT) - 3, len(TEXT) + 9), (5, 5), (9, 3), (10_000, 10_005)]
)
async def test_slice_is_what_python_slices(lab: Lab, start: int, end: int) -> None:
    assert (await run(lab, f"['', slice_context({start}, {end})]")).outcome.answer == ["", TEXT[start:end]]


async def test_slice_far_into_a_large_text(lab: Lab) -> None:
    large = "aé" * 1_500_000
    assert (await run(lab, "slice_context(2_999_990, 3_000_100)", large)).outcome.answer == large[-10:]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("grep('(?<=a)b')", "RE2 has no look-around"),
        ("grep('(a)\\\\1')", "the pattern cannot be used"),
        ("grep('(x{1000}){1000}')", "the pattern cannot be used: invalid repetition size"),
        ("grep('((((((a{99}){99}){99}){99}){99}){99})')", "the pattern cannot be used"),
        ("grep('(')", "the pattern cannot be used: missing )"),
        ("slice_context(0, 200_001)", "200,001 characters are asked for, at most 200,000 are given"),
    ],
)
async def test_what_cannot_be_done_is_told(lab: Lab, call: str, error: str) -> None:
    assert error in (await run(lab, call)).outcome.answer


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("grep('')", "ValueError: grep(): pattern: must have at least this many characters: 1"),
        ("grep('x' * 1001)", "ValueError: grep(): pattern: must have at most this many characters: 1000"),
        ("grep('x', limit=1001)", "ValueError: grep(): limit: must be at most 1000"),
        ("slice_context(-5, 1)", "ValueError: slice_context(): start: must be at least 0"),
    ],
)
async def test_bounds_are_checked(lab: Lab, call: str, error: str) -> None:
    ran = await lab.run(turns(code(call), code("FINAL(1)")), tools=TOOLS)
    assert error in ran.provider.requests[1].messages[-1].content


@pytest.mark.parametrize(
    "pattern", [r"(x+x+)+y", r"(x|x)*y", r"(x*)*$z", r"(.*)(.*)(.*)(.*)(.*)(.*)y", r"(x?){99}x{99}y"]
)
async def test_catastrophic_pattern_takes_time_linear_to_the_text(lab: Lab, pattern: str) -> None:
    since = time.monotonic()
    ran = await run(lab, f"grep({pattern!r})['matches']", "x" * 2_000_000)
    assert ran.outcome.answer == []
    assert time.monotonic() - since < 10


async def test_search_that_nobody_waits_for_ends(lab: Lab) -> None:
    search = Search(searching._compiled("a", ignore_case=False), 10)
    search.stop.set()
    source = context_in_memory("text", [b"a" * 10])
    with pytest.raises(ToolFailed, match="the search was given up"):
        search.through(source)
    quick = tool(TOOLS[0].function, name="grep", timeout_seconds=0.001)
    script = turns(code("try:\n    grep('x')\nexcept ToolError as error:\n    FINAL(str(error))"))

    async def opened() -> ContextSource | None:
        return context_in_memory("text", [b"x" * 20_000_000])

    ran = await lab.run(script, tools=[quick], context=INFO, open_context=opened)
    assert ran.outcome.answer == "grep: took longer than 0.001 s"


def test_long_lines_are_shown_around_the_match() -> None:
    source = context_in_memory("text", [b"a" * 1_000 + b"HIT" + b"b" * 1_000])
    found = Search(searching._compiled("HIT", ignore_case=False), 10).through(source)
    assert found["matches"][0]["text"] == "a" * 150 + "HIT" + "b" * 150
    assert found["matches"][0]["start"] == 1_000


def test_offsets_agree_with_python_over_pieces() -> None:
    text = "é\n" * 700_000 + "needle é needle"
    found = Search(searching._compiled("needle", ignore_case=False), 10).through(
        context_in_memory("text", [text.encode()])
    )
    starts = [match.start() for match in re.finditer("needle", text)]
    assert [match["start"] for match in found["matches"]] == starts
    assert [match["line"] for match in found["matches"]] == [700_001, 700_001]
