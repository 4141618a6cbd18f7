"""Makes a run's task and input of a conversation, for clients that know chat completions and no runs.

Short texts are the task: the system's, what was said before, and at the end what the user says now. A text of more than
4,000 characters, and each file, becomes a document in `context`, and the task says where it lies: one document is the
string `context` itself, several are a dict by name (`message_2`, `message_3_part_1`, a file's own name). Where short
texts of earlier turns together are longer than that, they become the document `conversation`. When what the user says
now is nothing but long, the task shows its beginning and its end, where requests usually stand.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from uuid import UUID

from rlmlab.errors import Invalid
from trajectories.contexts import CONTEXT_NAME
from trajectories.requests import RunRequest

LONG_CHARACTERS: Final = 4000
SHOWN_CHARACTERS: Final = 500
TEXT_TYPES: Final = ("text/", "application/json", "application/xml", "application/yaml", "application/x-ndjson")
SPEAKERS: Final = {"user": "User", "assistant": "Assistant"}


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of a turn; `file_name` where it is a file's, which is a document however short it is."""

    text: str
    file_name: str = ""

    @property
    def is_document(self) -> bool:
        """Tell whether it belongs in the input and not in the task."""
        return bool(self.file_name) or len(self.text) > LONG_CHARACTERS


@dataclass(frozen=True, slots=True)
class Turn:
    """What one message says; `files` are ids of the project's files."""

    role: Literal["system", "user", "assistant"]
    passages: Sequence[Passage] = ()
    files: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a passage went: into the document of this name."""

    turn: int
    part: int
    name: str
    text: str


def run_request(turns: Sequence[Turn], *, given: RunRequest, answer_tokens: int | None = None) -> RunRequest:
    """Complete a request by a conversation; with a task of its own, the whole conversation is its input.

    `answer_tokens` is told to the model as the length that is wanted; a limit of the run it is not.

    Raises:
        Invalid: the user does not have the last word, or a context is given beside documents.
    """
    if not turns or turns[-1].role != "user":
        raise Invalid.field("messages", "the last message must be the user's")
    files = [*given.files, *(file for turn in turns for file in turn.files)]
    if given.task:
        task, context = given.task, _spoken(turns)
    else:
        places = list(_documents(turns))
        task = _task(turns, _addresses(places, beside_files=bool(files)))
        context = _context(places)
    if given.context is not None:
        if context is not None:
            detail = "is given beside messages that become the input themselves: leave it out, or put it into a message"
            raise Invalid.field("rlm.context", detail)
        context = given.context
    if answer_tokens is not None:
        task += f"\n\n(The answer is to have at most about {answer_tokens:,} tokens.)"
    return replace(given, task=task, context=context, files=files)


def decoded_file(data: str, *, name: str, place: str) -> Passage:
    """Read a file that a message brings along, as `data:text/csv;base64,…` or as plain base64.

    Raises:
        Invalid: it is not a text in UTF-8.
    """
    head, comma, encoded = data.partition(",")
    media_type = head.removeprefix("data:").partition(";")[0] if comma else "text/plain"
    if not media_type.startswith(TEXT_TYPES):
        raise Invalid.field(place, f"a file of the type {media_type} is not taken: send its text")
    try:
        text = base64.b64decode(encoded if comma else data, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise Invalid.field(place, "file_data must be the base64 of a text in UTF-8") from None
    return Passage(text, name or "file")


def _spoken(turns: Sequence[Turn]) -> Any:
    """Return a conversation as an input: a single text as it is, else the messages as a list of objects."""
    if len(turns) == 1 and len(turns[0].passages) == 1:
        return turns[0].passages[0].text
    return [{"role": turn.role, "content": _joined(passage.text for passage in turn.passages)} for turn in turns]


def _documents(turns: Sequence[Turn]) -> Iterator[_Place]:
    """Yield what goes into the input, each under a name of its own."""
    taken: set[str] = set()
    for at, turn in enumerate(turns):
        for part, passage in enumerate(turn.passages):
            if passage.is_document:
                usual = f"message_{at + 1}" if len(turn.passages) == 1 else f"message_{at + 1}_part_{part + 1}"
                name = _free(passage.file_name or usual, taken)
                taken.add(name)
                yield _Place(at, part, name, passage.text)
    said = _transcript(turns[:-1])
    if len(said) > LONG_CHARACTERS:
        yield _Place(-1, -1, _free("conversation", taken), said)


def _free(name: str, taken: set[str]) -> str:
    """Return the name, with a number behind it where it is taken."""
    return (
        name
        if name not in taken
        else next(new for n in range(2, len(taken) + 3) if (new := f"{name} ({n})") not in taken)
    )


def _context(places: Sequence[_Place]) -> Any:
    if len(places) > 1:
        return {place.name: place.text for place in places}
    return places[0].text if places else None


def _addresses(places: Sequence[_Place], *, beside_files: bool) -> Mapping[tuple[int, int], str]:
    """Say for each document where the REPL has it."""
    start = f'context["{CONTEXT_NAME}"]' if beside_files else "context"
    if len(places) == 1:
        return {(places[0].turn, places[0].part): start}
    return {(place.turn, place.part): f"{start}[{place.name!r}]" for place in places}


def _task(turns: Sequence[Turn], addresses: Mapping[tuple[int, int], str]) -> str:
    """Write the task: instructions, what was said before, and what the user says now."""
    system = [_said(turn, at, addresses) for at, turn in enumerate(turns) if turn.role == "system"]
    now = _said(turns[-1], len(turns) - 1, addresses)
    if all(passage.is_document for passage in turns[-1].passages):
        now = _excerpted(turns[-1], now)
    before = _before(turns, addresses)
    return _joined([*system, *([before, f"The user now says:\n\n{now}"] if before else [now])])


def _before(turns: Sequence[Turn], addresses: Mapping[tuple[int, int], str]) -> str:
    if (-1, -1) in addresses:
        return f"(The conversation so far lies in {addresses[-1, -1]}.)"
    said = _transcript(turns[:-1], addresses)
    return f"The conversation so far:\n\n{said}" if said else ""


def _transcript(turns: Sequence[Turn], addresses: Mapping[tuple[int, int], str] | None = None) -> str:
    """Write turns as lines of a play; documents are left out, or named where their addresses are known."""
    lines = ((turn, _said(turn, at, addresses or {})) for at, turn in enumerate(turns) if turn.role in SPEAKERS)
    return _joined(f"{SPEAKERS[turn.role]}: {text}" for turn, text in lines if text)


def _said(turn: Turn, at: int, addresses: Mapping[tuple[int, int], str]) -> str:
    return _joined(
        _pointer(passage, addresses.get((at, part))) if passage.is_document else passage.text
        for part, passage in enumerate(turn.passages)
    )


def _pointer(passage: Passage, address: str | None) -> str:
    what = f"The file {passage.file_name}" if passage.file_name else f"A text of {len(passage.text):,} characters"
    return f"({what} lies in {address}.)" if address else ""


def _excerpted(turn: Turn, pointers: str) -> str:
    """Show how long texts begin and end: a request that is in one of them most often stands there."""
    shown = []
    for passage in turn.passages:
        head, tail = passage.text[:SHOWN_CHARACTERS].strip(), passage.text[-SHOWN_CHARACTERS:].strip()
        if len(passage.text) <= 2 * SHOWN_CHARACTERS:
            shown.append(passage.text)
        else:
            shown.append(f"It begins:\n\n{head}\n\n[…]\n\nIt ends:\n\n{tail}")
    return _joined([pointers, *shown, "Do what the user asks there; without a request, say what it is about."])


def _joined(texts: Iterator[str] | Sequence[str]) -> str:
    return "\n\n".join(text for text in texts if text)
