"""Questions over the demo's text that plain code answers too, so that a run can be judged without anybody's opinion.

What is expected is computed from the text of the running interpreter when it is asked for: other versions of Python
have other numbers.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer is right; both sides as they were compared."""

    passed: bool
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Task:
    """A question and the plain code that answers it."""

    key: str
    question: str
    solve: Callable[[str], str]

    def expected(self, text: str) -> str:
        """Answer the question by plain code.

        Raises:
            ValueError: the text does not contain what the question is about.
        """
        return self.solve(text)

    def check(self, answer: Any, text: str) -> Verdict:
        """Compare a run's answer with the expected one, both normalised."""
        expected, got = normalise(self.expected(text)), normalise(answer)
        return Verdict(expected == got, expected, got)


def normalise(answer: Any) -> str:
    """Strip from an answer what does not make it another answer.

    White space around it, a comment behind a value, and one pair of quotes go; a text that is a Python number is
    compared as a number, so "25", 25 and 25.0 are equal. Nothing is searched for inside the answer: prose around a
    right value is wrong.
    """
    text = re.sub(r"\s+#.*$", "", str(answer).strip())
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int | float) else text


def value_of(name: str) -> Task:
    """Ask for the value of a constant that is assigned once, at the start of a line."""

    def solve(text: str) -> str:
        values = re.findall(rf"^{name} = (.+)$", text, re.MULTILINE)
        if len(values) != 1:
            raise ValueError(f"{name} is assigned {len(values)} times")
        return str(values[0])

    return Task(f"value-{name.lower()}", f"Find the value of {name}.", solve)


def count_of(word: str) -> Task:
    """Ask how often a text occurs, inside longer words as well."""
    question = f'Count the word "{word}".'
    return Task(f"count-{word.lower()}", question, lambda text: str(text.count(word)))


TASKS: tuple[Task, ...] = (
    value_of("SMTP_PORT"),
    value_of("POP3_SSL_PORT"),
    value_of("IMAP4_PORT"),
    value_of("LMTP_PORT"),
    value_of("HTTPS_PORT"),
    value_of("FTP_PORT"),
    value_of("MAX_INTERPOLATION_DEPTH"),
    value_of("MAXLINE"),
    value_of("CRITICAL"),
    value_of("DEFAULTSECT"),
    value_of("IMAP4_SSL_PORT"),
    count_of("socket"),
    count_of("deprecated"),
    count_of("raise ValueError"),
    count_of("encoding"),
    count_of("timeout"),
    count_of("Unicode"),
    count_of("isinstance"),
    count_of("lambda"),
    count_of("protocol"),
)

DEMO_TASK = TASKS[0]
