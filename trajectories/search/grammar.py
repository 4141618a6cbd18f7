"""The query grammar of run lists: `status:failed,cancelled -tag:x cost:>0.5 "free text"`; terms are joined by and.

A term is a key and its values, or free text; `-` before it turns it round. Several values, with commas between them,
mean any of them. Whatever has spaces, commas or quotes stands in quotes, where `\\"` is a quote and `\\\\` a backslash.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rlmlab.errors import Invalid
from trajectories.search.values import KEYS

QUERY_CHARACTERS: Final = 1000
TERMS: Final = 30
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_ITEM: Final = rf'(?:{_QUOTED}|[^\s",]+)'
_KEY: Final = r"[A-Za-z_.]+"
_KEYED: Final = rf"(?P<key>{_KEY}):(?P<values>{_ITEM}(?:,{_ITEM})*)?"
_FREE: Final = rf'(?P<text>{_QUOTED}|(?!{_KEY}:)[^\s"]+)'
_TERM: Final = re.compile(rf"(?P<minus>-)?+(?:{_KEYED}|{_FREE})(?=\s|$)", re.DOTALL)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_ITEMS: Final = re.compile(_ITEM, re.DOTALL)
_ESCAPED: Final = re.compile(r'\\(["\\])')
_PLAIN_ITEM: Final = re.compile(r'[^\s",\\]+')
_PLAIN_TEXT: Final = re.compile(r'[^\s":\\-][^\s":\\]*')


@dataclass(frozen=True, slots=True)
class Term:
    """One term: any of the values of a key, or none of them where it is negated; free text has the key "" and one."""

    key: str
    values: tuple[str, ...]
    negated: bool = False

    def __str__(self) -> str:
        plain = _PLAIN_ITEM if self.key else _PLAIN_TEXT
        values = ",".join(value if plain.fullmatch(value) else _quote(value) for value in self.values)
        return ("-" if self.negated else "") + (f"{self.key}:{values}" if self.key else values)


def parse(query: str) -> list[Term]:
    """Split a query into terms, and check each value.

    Raises:
        Invalid: naming `query`, and saying what is allowed.
    """
    if len(query) > QUERY_CHARACTERS or _UNSTORABLE.search(query):
        raise Invalid.field("query", f"must be at most {QUERY_CHARACTERS:,} characters, without NUL")
    terms, at = [], 0
    while (rest := query[at:].lstrip()) != "":
        at = len(query) - len(rest)
        match = _TERM.match(query, at)
        if match is None:
            raise Invalid.field("query", f"cannot be read at {rest[:20]}: is a quote open, or a value missing?")
        terms.append(_term(match))
        at = match.end()
    if len(terms) > TERMS:
        raise Invalid.field("query", f"has {len(terms)} terms; {TERMS} are allowed")
    return terms


def text_of(terms: Sequence[Term]) -> str:
    """Write a query; reading it gives the same terms."""
    return " ".join(str(term) for term in terms)


def toggled(terms: Sequence[Term], key: str, value: str) -> list[Term]:
    """Add a value to the term of its key, or take it out where it is in."""
    found = next((term for term in terms if term.key == key and not term.negated), None)
    if found is None:
        return [*terms, Term(key, (value,))]
    others = tuple(item for item in found.values if item != value)
    values = others if value in found.values else (*found.values, value)
    changed = [replace(found, values=values)] if values else []
    return [item for term in terms for item in (changed if term is found else [term])]


def chosen(terms: Sequence[Term], wanted: Term, instead_of: Sequence[Term] = ()) -> list[Term]:
    """Add a term in place of others, or take it out where it is in."""
    kept = [term for term in terms if term not in (wanted, *instead_of)]
    return kept if wanted in terms else [*kept, wanted]


def _term(match: re.Match[str]) -> Term:
    negated = match["minus"] is not None
    if match["key"] is None:
        return Term("", (_text(match["text"]),), negated)
    key = match["key"].lower()
    if key not in KEYS:
        known = ", ".join(KEYS)
        raise Invalid.field("query", f'"{match["key"]}" is not a key; use {known}, or put {match[0]} in quotes')
    values = [_unquote(item) for item in _ITEMS.findall(match["values"] or "")]
    if not values or not all(values):
        raise Invalid.field("query", f'"{key}:" needs {KEYS[key].wanted} behind it')
    for value in values:
        if not KEYS[key].allows(value):
            raise Invalid.field("query", f'"{value}" does not fit "{key}:", which takes {KEYS[key].wanted}')
    return Term(key, tuple(dict.fromkeys(values)), negated)


def _text(written: str) -> str:
    text = _unquote(written)
    if not text.strip():
        raise Invalid.field("query", f"has nothing to look for in {written}")
    return text


def _unquote(written: str) -> str:
    return _ESCAPED.sub(r"\1", written[1:-1]) if written.startswith('"') else written


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
