"""The prompt of a tiny local model: two sentences and eight worked examples.

Measured (tests/benchmarks/local_model_tasks.py): a base model of 270 million parameters cannot follow rules, but it
copies a pattern. So every example has the same two turns, a cell that prints `result` and one that submits it, in the
very words that the engine uses.
"""

from collections.abc import Iterator, Mapping

from rlmlab.engine.prompts import texts
from rlmlab.engine.types import ContextInfo

SYSTEM = """\
You answer questions about a long text with a Python REPL. The text is the variable `context`.
First print the result, then submit it: set answer["content"] and answer["ready"] = True."""
MEMORY = """\
recall("words") lists notes of earlier runs, which may be wrong; remember("a fact") keeps one for later runs."""

_FIND = """I find the lines that start with "{0} =".
```repl
print([line for line in context.splitlines() if line.startswith("{0} =")])
```"""
_COUNT = """I count "{0}" in the text.
```repl
print(context.count("{0}"))
```"""
_SUBMIT = """The REPL printed {0}, so the answer is {1}.
```repl
answer["content"] = "{1}"
answer["ready"] = True
```"""


def _find(name: str, value: str) -> tuple[str, str, str, str]:
    return f"Find the value of {name}.", _FIND.format(name), f"['{name} = {value}']", value


def _count(word: str, number: str) -> tuple[str, str, str, str]:
    return f'Count the word "{word}".', _COUNT.format(word), number, number


_WORKED: tuple[tuple[str, str, str, str], ...] = (
    _find("RETRY_LIMIT", "7"),
    _count("river", "31"),
    _find("PAGE_WIDTH", "1080"),
    _count("return None", "118"),
    _count("apple_tree", "9"),
    _find("GREETING", "hello"),
    _find("MAX_SPEED", "95.5"),
    _count("ocean", "274"),
)
_SIZE = 48_211
_LEFT: Mapping[str, float | None] = {
    "steps": 30, "tokens": 990_000, "cost_usd": None, "sub_calls": 200, "seconds": 890, "depth": 3,
}  # fmt: skip


def _conversations() -> Iterator[tuple[str, str]]:
    for question, code, printed, value in _WORKED:
        left = texts.left_line(_LEFT)
        yield "user", texts.task_message(question, ContextInfo("text", _SIZE), None, left)
        yield "assistant", code
        yield "user", f"{printed}\n\n{left}"
        yield "assistant", _SUBMIT.format(printed, value)


EXAMPLES: tuple[tuple[str, str], ...] = tuple(_conversations())
