"""Cells: state, output, results, errors, submissions."""

import pytest

from sandbox.base import Session, Submission
from tests.sandbox.conftest import OpenSession
from tests.sandbox.driver import Recorder, run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_variables_live_from_cell_to_cell(session: Session) -> None:
    await run(session, "x = [1]\ndef double(n):\n    return n * 2")
    assert (await run(session, "x.append(double(2))\nx")).value == "[1, 4]"


async def test_last_expression_is_shown_unless_none(session: Session) -> None:
    assert (await run(session, "'a'")).output == [("result", "'a'\n")]
    assert (await run(session, "None")).output == []
    assert (await run(session, "x = 1")).output == []


async def test_output_keeps_its_order_and_channels(session: Session) -> None:
    ran = await run(session, "import sys\nprint('a')\nprint('b', file=sys.stderr)\nsys.stdout.write('c')\n2")
    assert ran.output == [("stdout", "a\n"), ("stderr", "b\n"), ("stdout", "c"), ("result", "2\n")]


async def test_many_prints_concatenate_to_the_exact_output(session: Session) -> None:
    ran = await run(session, "for i in range(5000):\n    print(i)")
    assert ran.text("stdout") == "".join(f"{i}\n" for i in range(5000))


async def test_output_streams_while_the_cell_runs(open_session: OpenSession) -> None:
    session = await open_session(functions=("budget",))
    seen: list[str] = []
    handler = Recorder({"budget": lambda: list(seen)})
    result = await session.execute(
        "print('before')\nbudget()", handler=handler, on_output=lambda _, text: seen.append(text)
    )
    assert result.status == "ok"
    assert seen == ["before\n", "['before\\n']\n"]


async def test_nul_and_lone_surrogates_are_replaced(session: Session) -> None:
    ran = await run(session, "print('a\\x00b\\ud800c😀')")
    assert ran.text("stdout") == "a\ufffdb\ufffdc😀\n"


async def test_error_has_class_message_line_and_keeps_what_was_printed(session: Session) -> None:
    ran = await run(session, "print('kept')\n\n1 / 0")
    error = ran.result.error
    assert ran.result.status == "error"
    assert ran.result.alive
    assert ran.text("stdout") == "kept\n"
    assert error is not None
    assert (error.type, error.message, error.line) == ("ZeroDivisionError", "division by zero", 3)
    assert ran.text("error") == error.traceback


async def test_traceback_shows_frames_of_cells_only(session: Session) -> None:
    await run(session, "import json\ndef parse(text):\n    return json.loads(text)")
    error = (await run(session, "x = 1\nparse('{')")).result.error
    assert error is not None
    assert error.line == 2
    assert error.traceback == (
        "Traceback (most recent call last):\n"
        '  File "<cell-2>", line 2\n'
        "    parse('{')\n"
        '  File "<cell-1>", line 3, in parse\n'
        "    return json.loads(text)\n"
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
    )


async def test_deep_recursion_is_an_error_with_a_short_traceback(session: Session) -> None:
    error = (await run(session, "def f(n):\n    return f(n + 1)\nf(0)")).result.error
    assert error is not None
    assert error.type == "RecursionError"
    assert "more frames" in error.traceback
    assert len(error.traceback) < 2000


async def test_syntax_error_has_its_line_and_the_session_goes_on(session: Session) -> None:
    error = (await run(session, "x = 1\nif x\n    pass")).result.error
    assert error is not None
    assert (error.type, error.line, error.message) == ("SyntaxError", 2, "expected ':'")
    assert (await run(session, "1 + 1")).value == "2"


async def test_system_exit_is_an_error_of_the_cell(session: Session) -> None:
    ran = await run(session, "raise SystemExit(3)")
    assert (ran.result.status, ran.result.alive) == ("error", True)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 1", Submission("", ready=False)),
        ("answer['content'] = {'a': [1, None]}\nanswer['ready'] = True", Submission({"a": [1, None]}, ready=True)),
        ("answer['content'] = 'draft'", Submission("draft", ready=False)),
        ("answer = {'content': 'bound', 'ready': True}", Submission("bound", ready=True)),
        ("answer['content'] = {1, }\nanswer['ready'] = 1", Submission("{1}", ready=True)),
        ("answer['content'] = float('nan')", Submission(None, ready=False)),
        ("FINAL('x')", Submission("x", ready=True, dialect="FINAL")),
        ("found = [1]\nFINAL_VAR('found')", Submission([1], ready=True, dialect="FINAL_VAR")),
        ("SUBMIT(5)", Submission(5, ready=True, dialect="SUBMIT")),
        ("SUBMIT(a=1, b='z')", Submission({"a": 1, "b": "z"}, ready=True, dialect="SUBMIT")),
        ("FINAL('kept')\n1 / 0", Submission("kept", ready=True, dialect="FINAL")),
    ],
)
async def test_submission(session: Session, code: str, expected: Submission) -> None:
    assert (await run(session, code)).result.submission == expected


@pytest.mark.parametrize("code", ["FINAL_VAR('nothing')", "FINAL_VAR(5)", "SUBMIT()", "SUBMIT(1, a=2)", "FINAL()"])
async def test_wrong_submission_is_an_error_and_submits_nothing(session: Session, code: str) -> None:
    ran = await run(session, code)
    assert ran.result.status == "error"
    assert not ran.result.submission.ready


async def test_content_whose_str_raises_is_an_error(session: Session) -> None:
    ran = await run(
        session, "class A:\n    def __str__(self):\n        raise ValueError('no')\nanswer['content'] = A()"
    )
    assert ran.result.error is not None
    assert ran.result.error.message == "no"
    assert ran.result.alive


async def test_oversize_content_is_an_error_that_says_so(session: Session) -> None:
    error = (await run(session, "answer['content'] = 'x' * (9 << 20)")).result.error
    assert error is not None
    assert error.message == "answer['content'] has 9437184 characters; at most 8388608 can be submitted"


async def test_scaffold_names_are_restored_after_each_cell(open_session: OpenSession) -> None:
    session = await open_session(functions=("llm_query",))
    await run(session, "print = llm_query = FINAL = SHOW_VARS = BudgetExceeded = None\nanswer = context = 5")
    handler = Recorder({"llm_query": lambda prompt: prompt.upper()})
    ran = await run(session, "print(llm_query('a'), context, answer)\nFINAL(1)", handler)
    assert ran.text("stdout") == "A None {'content': '', 'ready': False}\n"
    assert ran.result.submission.ready


async def test_show_vars_lists_names_types_and_sizes(session: Session) -> None:
    await run(session, "import json\nfrom re import findall\nx = [1, 2]\ny = 'abc'\ndef f(): pass\nz = b'ab'")
    assert (await run(session, "SHOW_VARS()")).text("stdout").splitlines()[1:] == [
        "x: list, 2 items",
        "y: str, 3 characters",
        f"f: function, {(await run(session, 'import sys; sys.getsizeof(f)')).value} bytes",
        "z: bytes, 2 bytes",
    ]


async def test_show_vars_printed_or_kept_is_the_list_and_no_none(session: Session) -> None:
    await run(session, "x = [1, 2]")
    bare = (await run(session, "SHOW_VARS()")).text("stdout")
    assert bare.endswith("\nx: list, 2 items\n")
    ran = await run(session, "print(SHOW_VARS())")
    assert (ran.text("stdout"), ran.text("result")) == (bare, "")
    ran = await run(session, "listed = SHOW_VARS()\nprint('x: list' in listed)")
    assert ran.text("stdout") == "True\n"


async def test_show_vars_that_stands_alone_is_shown_wherever_it_stands(session: Session) -> None:
    ran = await run(session, "x = 5\nif x:\n    SHOW_VARS()\nprint('after')")
    assert [line.split(",")[0] for line in ran.text("stdout").splitlines()] == ["context: NoneType", "x: int", "after"]
    assert ran.text("result") == ""


async def test_memory_functions_are_there_and_restored_where_the_session_has_them(open_session: OpenSession) -> None:
    session = await open_session(functions=("recall", "remember"))
    await run(session, "recall = remember = None")
    handler = Recorder({"recall": lambda query, limit: [{"text": query, "n": limit}], "remember": str.upper})
    ran = await run(session, "print(recall('a'), recall('b', limit=2), remember('c'))\nSHOW_VARS()", handler)
    assert ran.text("stdout").splitlines()[0] == "[{'text': 'a', 'n': 8}] [{'text': 'b', 'n': 2}] C"
    assert "recall" not in "".join(ran.text("stdout").splitlines()[1:])


@pytest.mark.parametrize("name", ["recall", "remember"])
async def test_without_memory_its_functions_do_not_exist(session: Session, name: str) -> None:
    ran = await run(session, f"{name}('x')")
    assert ran.result.error is not None
    assert (ran.result.error.type, ran.result.error.message) == ("NameError", f"name '{name}' is not defined")


async def test_output_over_the_limit_is_cut_and_counted(session: Session) -> None:
    ran = await run(session, "print('é' * 1_000_000)\nprint('more')")
    assert ran.text("stdout") == "é" * (1 << 19)
    assert ran.result.truncated_bytes == {"stdout": 2_000_001 - (1 << 20) + 5}
    assert (await run(session, "print('again')")).text("stdout") == "again\n"


async def test_usage_is_measured_from_outside(session: Session) -> None:
    usage = (
        await run(session, "import time\nx = 'a' * 30_000_000\nsum(range(3_000_000))\ntime.sleep(0.05)")
    ).result.usage
    assert usage.source == "measured"
    assert usage.seconds >= 0.05
    assert usage.cpu_seconds is not None
    assert 0.01 < usage.cpu_seconds < usage.seconds
    assert usage.peak_memory_bytes is not None
    assert usage.peak_memory_bytes > 30_000_000


async def test_bom_and_coding_cookie_are_ignored(session: Session) -> None:
    assert (await run(session, "\ufeff# -*- coding: utf-7 -*-\n'é'")).value == "'é'"
