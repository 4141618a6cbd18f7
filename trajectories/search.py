"""The query grammar of run lists: `status:failed model:gpt* tag:x "free text"`; terms are joined by and."""

import re
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from rlmlab.errors import Invalid
from trajectories.models.runs import Purpose, RunStatus

KEYS: Final = ("status", "model", "tag", "purpose")
QUERY_CHARACTERS: Final = 1000
_TERM: Final = re.compile(r'(?:(?P<key>[A-Za-z_.]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))')


@dataclass(frozen=True, slots=True)
class Term:
    """One term: a key and its value; free text has no key."""

    key: str
    value: str


def parse(query: str) -> list[Term]:
    """Split a query into terms.

    Raises:
        Invalid: a key is not known, a quote is open, or the text is too long.
    """
    if len(query) > QUERY_CHARACTERS or "\x00" in query:
        raise Invalid.field("query", f"must be at most {QUERY_CHARACTERS} characters, without NUL")
    terms, at = [], 0
    for match in _TERM.finditer(query):
        _refuse_rest(query[at : match.start()])
        at = match.end()
        key = match["key"] or ""
        if key and key not in KEYS:
            raise Invalid.field("query", f'"{key}" is not a key; use {", ".join(KEYS)}, or "{match[0]}" in quotes')
        terms.append(Term(key, match["quoted"] if match["plain"] is None else match["plain"]))
    _refuse_rest(query[at:])
    return terms


def condition(query: str) -> Q:
    """Return the filter that a query means; one that names no purpose means the runs that people started.

    Raises:
        Invalid: see `parse`; or a status or purpose that there is not.
    """
    terms = parse(query)
    found = Q() if any(term.key == "purpose" for term in terms) else Q(purpose=Purpose.USER)
    for term in terms:
        found &= _condition(term)
    return found


def _refuse_rest(text: str) -> None:
    if text.strip():
        raise Invalid.field("query", f"cannot be read at {text.strip()[:20]}: is a quote open?")


def _condition(term: Term) -> Q:
    match term.key:
        case "status":
            if term.value not in RunStatus.values:
                raise Invalid.field("query", f'"{term.value}" is not a status; use {", ".join(RunStatus.values)}')
            return Q(status=term.value)
        case "purpose":
            if term.value not in Purpose.values:
                raise Invalid.field("query", f'"{term.value}" is not a purpose; use {", ".join(Purpose.values)}')
            return Q(purpose=term.value)
        case "model":
            return _glob("model", term.value)
        case "tag":
            return Q(tags__contains=[term.value])
        case _:
            return Q(title__icontains=term.value) | Q(task__icontains=term.value)


def _glob(field: str, pattern: str) -> Q:
    """Match a name, in which `*` stands for anything; a bare name also matches behind its provider's prefix."""
    regex = ".*".join(re.escape(part) for part in pattern.split("*"))
    return Q(**{f"{field}__iregex": f"^([^/]+/)?{regex}$"})
