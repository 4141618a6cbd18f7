"""Which parts of a reply are code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlmlab.engine.parsing import parse

TICKS = "```"


@pytest.mark.parametrize("language", ["repl", "python", "", "py", "python3", "REPL", "{.python}", "python title=x"])
def test_fences_of_code_are_cells(language: str) -> None:
    assert parse(f"Text\n{TICKS}{language}\nx = 1\n{TICKS}\nmore").cells == ("x = 1",)


@pytest.mark.parametrize("language", ["json", "bash", "text", "sql"])
def test_fences_of_other_languages_are_not(language: str) -> None:
    assert parse(f"{TICKS}{language}\nx = 1\n{TICKS}").cells == ()


def test_several_fences_are_several_cells_in_order() -> None:
    assert parse("```repl\na\n```\n```json\n{}\n```\n~~~python\nb\nc\n~~~\n```\nd\n```").cells == ("a", "b\nc", "d")


@pytest.mark.parametrize("prose", ["", "no code", "`inline`", "FINAL(1)", "x ``` y", "answer['content'] = 1"])
def test_prose_is_never_code(prose: str) -> None:
    parsed = parse(prose)
    assert (parsed.cells, parsed.unclosed) == ((), False)


def test_unclosed_fence_runs_to_the_end_and_is_marked() -> None:
    parsed = parse("```repl\nx = 1\ny = 2")
    assert (parsed.cells, parsed.unclosed) == (("x = 1\ny = 2",), True)


def test_closed_fence_is_not_marked() -> None:
    assert parse("```repl\nx\n```").unclosed is False


def test_unclosed_fence_of_another_language_is_not_code() -> None:
    parsed = parse("```repl\nx\n```\n```json\n{")
    assert parsed.cells == ("x",)


def test_empty_fences_are_no_cells() -> None:
    assert parse("```repl\n\n```\n``` \n```").cells == ()


def test_unclosed_empty_fence_is_not_marked() -> None:
    assert parse("```repl\nx\n```\n```repl\n") == parse("```repl\nx\n```")


def test_longer_fence_contains_shorter_ones() -> None:
    assert parse("````repl\nx = '```'\n```\n````").cells == ("x = '```'\n```",)


def test_tilde_fence_is_not_closed_by_backticks() -> None:
    assert parse("~~~\nx\n```\n~~~").cells == ("x\n```",)


@pytest.mark.parametrize("quote", ['"""', "'''"])
def test_fence_inside_a_triple_quoted_string_belongs_to_the_code(quote: str) -> None:
    code = f"prompt = {quote}Use\n```\ncode\n```\nlike this{quote}\nprint(llm_query(prompt))  # it's fine"
    assert parse(f"Go:\n```repl\n{code}\n```\nWait.").cells == (code,)


def test_quotes_in_comments_and_strings_do_not_open_a_string() -> None:
    code = '# don\'t use """ here\nx = \'"""\'\ny = "it\'s"\nz = "\\""'
    assert parse(f"```\n{code}\n```\n```\nb\n```").cells == (code, "b")


def test_broken_string_ends_at_the_first_fence() -> None:
    assert parse('```\nx = """open\n```\nprose').cells == ('x = """open',)


def test_windows_line_ends_are_line_ends() -> None:
    assert parse("```repl\r\nx = 1\r\ny\r\n```\r\n").cells == ("x = 1\ny",)


def test_indented_fence_up_to_three_spaces_counts() -> None:
    assert parse("   ```repl\nx\n   ```").cells == ("x",)
    assert parse("    ```repl\nx\n    ```").cells == ()


@given(st.text(alphabet="`~ \nrepl'\"#x\\", max_size=200))
def test_any_text_parses_to_cells_that_stand_in_it(reply: str) -> None:
    parsed = parse(reply)
    assert all(cell in reply and cell.strip() for cell in parsed.cells)
    assert bool(parsed.cells) or not parsed.unclosed


@given(st.lists(st.text(alphabet="abc =()\n", min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_fenced_codes_come_back(codes: list[str]) -> None:
    reply = "\nand\n".join(f"```repl\n{code}\n```" for code in codes)
    assert parse(reply).cells == tuple(codes)


def test_long_hostile_reply_parses_in_linear_time() -> None:
    reply = "```repl\nx = '''\n" + "```\n" * 20_000
    assert parse(reply).cells == ("x = '''",)
