"""A new item as somebody brings it: by hand, in a file, or from a run; checked before anything is stored."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rlmlab.errors import FieldError, Invalid
from trajectories import contexts
from trajectories.improvement.checking import problem_of
from trajectories.models import Blob, Run
from trajectories.models.datasets import Split
from trajectories.models.runs import ContextKind
from trajectories.requests import TASK_CHARACTERS, clean_text, refuse_unstorable

EXPECTED_CHARACTERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class NewItem:
    """A task, the answer it should get, and what for; `context` is a string, list, object or None.

    With `source_run`, the input is the run's and kept already: `blob`.
    """

    task: str
    expected: Any
    split: str = Split.HOLDOUT
    context: Any = None
    source_run: Run | None = None
    blob: Blob | None = None

    @property
    def context_kind(self) -> ContextKind:
        """What the REPL's `context` will be."""
        if self.source_run is not None:
            return ContextKind(self.source_run.context_kind)
        if self.context is None:
            return ContextKind.NONE
        return ContextKind.TEXT if isinstance(self.context, str) else ContextKind.JSON

    def content(self) -> bytes | None:
        """Return the bytes of a context that is not kept yet, as a run's would be; None where there is none."""
        if self.context is None:
            return None
        pieces = contexts.text_pieces if isinstance(self.context, str) else contexts.json_pieces
        return b"".join(pieces(self.context))


def problems_of(item: NewItem, checker: str) -> Iterator[FieldError]:
    """Yield what is wrong with an item, each at its field."""
    for name, check in (("task", _check_task), ("split", _check_split), ("context", _check_context)):
        try:
            check(item)
        except Invalid as error:
            yield FieldError(name, error.errors[0].message)
    if problem := _problem_of_expected(item.expected, checker):
        yield FieldError("expected", problem)


def _check_task(item: NewItem) -> None:
    if not isinstance(item.task, str):
        raise Invalid.field("task", "must be a text")
    clean_text("task", item.task, TASK_CHARACTERS)


def _check_split(item: NewItem) -> None:
    if item.split not in Split.values:
        raise Invalid.field("split", f"must be one of {', '.join(Split.values)}")


def _check_context(item: NewItem) -> None:
    if item.context is not None and not isinstance(item.context, str | list | dict):
        raise Invalid.field("context", "must be a string, a list or an object")


def _problem_of_expected(expected: Any, checker: str) -> str:
    try:
        refuse_unstorable("expected", expected)
    except Invalid as error:
        return error.errors[0].message
    if (length := len(json.dumps(expected, ensure_ascii=False))) > EXPECTED_CHARACTERS:
        return f"has {length:,} characters; {EXPECTED_CHARACTERS:,} are allowed"
    return problem_of(checker, expected)
