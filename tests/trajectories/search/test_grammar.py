"""The query grammar of run lists."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlmlab.errors import Invalid
from trajectories.search.grammar import Term, chosen, parse, text_of, toggled
from trajectories.search.values import KEYS

VALUES = {
    "status": ["failed", "succeeded"],
    "reason": ["budget"],
    "mode": ["direct", "rlm"],
    "model": ["gpt*", "a b", 'a"b', "a\\b", "a,b"],
    "prompt": ["3", "v3", "system@3"],
    "tag": ["x", "two words", 'with "quotes"', "back\\slash", '\\"', "a:b", "-", "*"],
    "has": ["rating", "correction"],
    "is": ["disputed", "fork", "retry", "continued"],
    "origin": ["0194d3a0-0000-7000-8000-000000000000"],
    "depth": ["3", ">3", "<=3", "=3", "2..4", "2..", "..4"],
    "calls": [">5"],
    "tokens": [">1000"],
    "cost": [">0.5", "0.1..0.5"],
    "seconds": [">=10"],
    "created": ["2026-11-01", ">2026-11-01", "2026-11-01..2026-11-30"],
    "purpose": ["user", "evaluation"],
    **{f"rating.{name}": ["<1", ">=0.5"] for name in ("correct", "helpful", "format", "safety", "efficiency")},
}


def _terms() -> st.SearchStrategy[Term]:
    keyed = st.sampled_from(sorted(VALUES)).flatmap(
        lambda key: st.builds(
            Term,
            st.just(key),
            st.lists(st.sampled_from(VALUES[key]), min_size=1, max_size=3, unique=True).map(tuple),
            st.booleans(),
        )
    )
    text = st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and "\x00" not in text)
    return keyed | st.builds(Term, st.just(""), st.tuples(text), st.booleans())


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", []),
        ("  ", []),
        ("status:failed", [Term("status", ("failed",))]),
        ("Status:failed,cancelled", [Term("status", ("failed", "cancelled"))]),
        ("-tag:x", [Term("tag", ("x",), negated=True)]),
        ('model:gpt* "free text" word', [Term("model", ("gpt*",)), Term("", ("free text",)), Term("", ("word",))]),
        ('-"free text" -word', [Term("", ("free text",), negated=True), Term("", ("word",), negated=True)]),
        ('tag:"two words",x,x', [Term("tag", ("two words", "x"))]),
        ('"status:failed"', [Term("", ("status:failed",))]),
        (r'tag:"say \"hi\" \\ \n"', [Term("tag", ('say "hi" \\ \\n',))]),
        ("12:30 a,b", [Term("", ("12:30",)), Term("", ("a,b",))]),
        ("rating.correct:<1 depth:2..4", [Term("rating.correct", ("<1",)), Term("depth", ("2..4",))]),
    ],
)
def test_terms(query: str, terms: list[Term]) -> None:
    assert parse(query) == terms


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("owner:ada", '"owner" is not a key; use status, reason, mode, model, prompt, tag, rating.correct,'),
        ("http://x", "or put http://x in quotes"),
        ('"open', 'cannot be read at "open: is a quote open, or a value missing?'),
        ('a "b', 'cannot be read at "b'),
        ('a"b"', 'cannot be read at a"b"'),
        ("tag:x,", "cannot be read at tag:x,"),
        ("-", "cannot be read at -"),
        ('""', 'has nothing to look for in ""'),
        ("status:", '"status:" needs any of queued, running, paused, succeeded, failed, cancelled behind it'),
        ('tag:""', '"tag:" needs a tag of at most 50 characters behind it'),
        ("tag:" + "x" * 51, "a tag of at most 50 characters"),
        ("status:odd", '"odd" does not fit "status:", which takes any of queued, running,'),
        ("status:failed,odd", '"odd" does not fit'),
        ("purpose:fun", "any of user, evaluation"),
        ("has:fun", "any of rating, correction"),
        ("is:fun", "any of disputed, fork, retry, continued"),
        ("origin:fun", "a run's id"),
        ("rating.fun:1", '"rating.fun" is not a key'),
        ("rating.correct:good", "a number, as 0.5, >0.5, <=0.5 or 0.1..0.5"),
        ("depth:>0.5", "a whole number, as 3, >3, <=3 or 2..4"),
        ("depth:>>3", "a whole number"),
        ("depth:..", "a whole number"),
        ("depth:1..>3", "a whole number"),
        ("depth:-1", "a whole number"),
        ("tokens:" + "9" * 16, "a whole number"),
        ("cost:nan", "a number"),
        ("cost:1e3", "a number"),
        ("cost:\N{ARABIC-INDIC DIGIT THREE}", "a number"),
        ("created:yesterday", "a day, as 2026-11-01, >2026-11-01 or 2026-11-01..2026-11-30"),
        ("created:2026-02-30", "a day"),
        ("created:9999-12-31", "a day"),
        ("prompt:latest", "a version of a prompt, as 3, v3 or system@3"),
        ("x" * 1001, "must be at most 1,000 characters"),
        ("a\x00b", "without NUL"),
        ("a\ud800b", "without NUL"),
        ("a " * 31, "has 31 terms; 30 are allowed"),
    ],
)
def test_what_cannot_be_understood_is_refused(query: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(query)
    [error] = caught.value.errors
    assert error.field == "query"
    assert said in error.message


@given(st.text(max_size=60) | st.text(st.sampled_from('ab:",-\\ .*><=1'), max_size=30))
def test_any_text_is_parsed_or_refused_and_means_the_same_when_it_is_written_again(query: str) -> None:
    with suppress(Invalid):
        terms = parse(query)
        assert {term.key for term in terms} <= {"", *KEYS}
        assert parse(text_of(terms)) == terms


@given(st.lists(_terms(), max_size=6))
def test_written_terms_are_read_again(terms: list[Term]) -> None:
    assert parse(text_of(terms)) == terms


def test_every_key_has_values_that_are_tried_here() -> None:
    assert VALUES.keys() == KEYS.keys()


def test_a_value_is_put_in_and_taken_out() -> None:
    terms = parse("-status:running status:failed word")
    both = toggled(terms, "status", "cancelled")
    assert text_of(both) == "-status:running status:failed,cancelled word"
    assert text_of(toggled(both, "status", "failed")) == "-status:running status:cancelled word"
    assert text_of(toggled(terms, "status", "failed")) == "-status:running word"
    assert text_of(toggled(terms, "model", "a b")) == '-status:running status:failed word model:"a b"'


def test_a_term_takes_the_place_of_others() -> None:
    right, wrong = Term("rating.correct", (">=0.8",)), Term("rating.correct", ("<0.5",))
    assert text_of(chosen(parse("x rating.correct:<0.5"), right, instead_of=(right, wrong))) == "x rating.correct:>=0.8"
    assert text_of(chosen(parse("x rating.correct:>=0.8"), right, instead_of=(right, wrong))) == "x"
    assert text_of(chosen(parse("tag:a"), Term("tag", ("b",)))) == "tag:a tag:b"
