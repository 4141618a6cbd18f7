"""How an error of a cell reads."""

import pytest

from sandbox.guest import tracebacks

RECURSIVE = "def f(n):\n    return f(n - 1) if n else 1 / 0\nf(40)"


def raised(source: str, filename: str = "<cell-1>") -> BaseException:
    try:
        exec(compile(source, filename, "exec"), {"__name__": "__main__"})  # noqa: S102 - a cell
    except BaseException as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("nothing was raised")


def test_long_traceback_keeps_both_ends() -> None:
    described = tracebacks.describe(raised(RECURSIVE), "<cell-1>", {"<cell-1>": RECURSIVE.splitlines()})
    lines = described["traceback"].splitlines()
    half = tracebacks.MAX_FRAMES // 2
    assert lines[1:3] == ['  File "<cell-1>", line 3', "    f(40)"]
    assert lines[1 + 2 * half] == "  … 22 more frames …"
    assert lines[-3:] == [
        '  File "<cell-1>", line 2, in f',
        "    return f(n - 1) if n else 1 / 0",
        "ZeroDivisionError: division by zero",
    ]
    assert len(lines) == 1 + 2 * tracebacks.MAX_FRAMES + 1 + 1
    assert described["line"] == 2


def test_error_in_a_function_of_an_earlier_cell_has_the_line_of_this_one() -> None:
    namespace: dict[str, object] = {}
    exec(compile("def g():\n    raise KeyError('k')", "<cell-1>", "exec"), namespace)  # noqa: S102
    with pytest.raises(KeyError) as caught:
        exec(compile("\n\ng()", "<cell-2>", "exec"), namespace)  # noqa: S102
    described = tracebacks.describe(caught.value, "<cell-2>", {"<cell-2>": ["", "", "g()"]})
    assert described == {
        "type": "KeyError",
        "message": "'k'",
        "line": 3,
        "traceback": "Traceback (most recent call last):\n"
        '  File "<cell-2>", line 3\n    g()\n'
        '  File "<cell-1>", line 2, in g\n'
        "KeyError: 'k'\n",
    }


def test_message_that_cannot_be_made_is_said_so() -> None:
    error = raised("class E(Exception):\n    def __str__(self):\n        raise OSError\nraise E")
    described = tracebacks.describe(error, "<cell-1>", {})
    assert described["message"] == "<its message cannot be shown: OSError>"


def test_long_message_is_cut_and_its_length_told() -> None:
    described = tracebacks.describe(ValueError("x" * 5000), "<cell-1>", {})
    assert described["message"] == "x" * tracebacks.MAX_MESSAGE + "… (5000 characters)"
    assert described["line"] is None


def test_error_without_words_is_its_name() -> None:
    assert tracebacks.describe(KeyboardInterrupt(), "<cell-1>", {})["traceback"] == (
        "Traceback (most recent call last):\nKeyboardInterrupt\n"
    )


def test_syntax_error_of_other_text_keeps_the_line_that_parsed_it() -> None:
    error = raised("\nimport ast\nast.parse('(', '<text>')")
    assert tracebacks.describe(error, "<cell-1>", {})["line"] == 3
