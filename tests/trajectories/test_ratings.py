"""Rating runs: who judged what, and the answers that should have been given."""

from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.tenancy.models import Role
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.queries import principal_for_key
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant, make_member
from trajectories.actions.ratings import Judgement, rate_run, withdraw_rating
from trajectories.models import Rating, Run, Span
from trajectories.ratings import current_ratings, ratings_page, verdict_of, verdicts_of


def rate(by: Principal, run: Run, value: float = 1.0, dimension: str = "correct", **fields: Any) -> Rating:
    return rate_run(by=by, run=run, judgement=Judgement(dimension, value, **fields))


def last_entry(tenant: Tenant) -> AuditEntry:
    with scoping.organization(tenant.organization):
        return AuditEntry.objects.for_org(tenant.organization).order_by("-id")[0]


@pytest.fixture
def run(acme: Tenant) -> Run:
    return finished_run(acme.principal, acme.project)


def test_a_rating_keeps_who_what_and_when(acme: Tenant, run: Run) -> None:
    rating = rate(acme.principal, run, 0.0, comment=" Off by one. ", correction={"count": 43})
    assert (rating.dimension, rating.value, rating.comment, rating.correction) == (
        "correct",
        0.0,
        "Off by one.",
        {"count": 43},
    )
    assert (rating.rater_kind, rating.rater_actor, rating.rater_id) == ("human", "user", acme.user.id)
    assert (rating.version, rating.current, rating.span_id) == (1, True, "")
    entry = last_entry(acme)
    assert (entry.action, entry.object_type, entry.object_id) == ("run.rate", "run", run.id)
    assert entry.changes == {"dimension": "correct", "value": {"from": None, "to": 0.0}, "corrected": True}


SCHEMA = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}


def test_correction_has_the_form_of_the_answer(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project, response_schema=SCHEMA)
    assert rate(acme.principal, run, 0.0, correction={"count": 43}).correction == {"count": 43}
    span = Span.objects.for_org(acme.organization).get
    with scoping.organization(acme.organization):
        span_id = span(run=run, kind="step").span_id
    assert rate(acme.principal, run, 0.0, span_id=span_id, correction="43").correction == "43"


@pytest.mark.parametrize(
    ("correction", "problem"),
    [
        ("43", "correction: must be of type object"),
        ({"count": "43"}, "correction.count: must be of type integer"),
        ({}, "correction: lacks 'count'"),
    ],
)
def test_correction_that_the_answers_schema_refuses_is_refused(acme: Tenant, correction: Any, problem: str) -> None:
    run = finished_run(acme.principal, acme.project, response_schema=SCHEMA)
    with pytest.raises(Invalid) as refused:
        rate(acme.principal, run, 0.0, correction=correction)
    (error,) = refused.value.errors
    assert (error.field, error.message) == (
        "correction",
        f"does not match the response schema of the run ({problem})",
    )
    assert ratings_page(acme.principal, run).items == []


def test_another_mind_is_another_version(acme: Tenant, run: Run) -> None:
    first, second = rate(acme.principal, run, 1.0), rate(acme.principal, run, 0.25, comment="Hm.")
    assert (second.version, second.current) == (2, True)
    assert [rating.id for rating in ratings_page(acme.principal, run).items] == [second.id]
    history = ratings_page(acme.principal, run, history=True).items
    assert [(rating.id, rating.current) for rating in history] == [(second.id, True), (first.id, False)]
    assert last_entry(acme).changes["value"] == {"from": 1.0, "to": 0.25}


def test_the_same_again_changes_nothing(acme: Tenant, run: Run) -> None:
    first = rate(acme.principal, run, 1.0, comment="Good.")
    assert rate(acme.principal, run, 1, comment="Good. ").id == first.id
    assert len(ratings_page(acme.principal, run, history=True).items) == 1


def test_raters_dimensions_and_spans_stand_side_by_side(acme: Tenant, run: Run) -> None:
    with scoping.organization(acme.organization):
        span_id = Span.objects.filter(run=run, kind="step")[0].span_id
    other = make_member(acme.organization, "rita@acme.example", Role.REVIEWER)
    rate(acme.principal, run, 1.0)
    rate(acme.principal, run, 0.5, "helpful")
    rate(acme.principal, run, 0.0, span_id=span_id)
    rate(other, run, 0.0)
    rate(principal_for_key(acme.key), run, 0.75, rater="checker")
    with scoping.organization(acme.organization):
        found = [(rating.dimension, rating.value, rating.span_id, rating.rater_kind) for rating in current_ratings(run)]
    assert found == [
        ("correct", 1.0, "", "human"),
        ("helpful", 0.5, "", "human"),
        ("correct", 0.0, span_id, "human"),
        ("correct", 0.0, "", "human"),
        ("correct", 0.75, "", "checker"),
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dimension": "style"}, 'dimension: "style" is not a dimension; use one of correct, helpful'),
        ({"value": 1.01}, "value: must be between 0 and 1"),
        ({"value": -0.1}, "value: must be between 0 and 1"),
        ({"value": float("nan")}, "value: must be between 0 and 1"),
        ({"rater": "oracle"}, 'rater: "oracle" is not one of human, checker'),
        ({"rater": "checker"}, "rater: a person's own rating is human"),
        ({"comment": "x" * 10_001}, "comment: has 10,001 characters; 10,000 are allowed"),
        ({"comment": "a\x00"}, "comment: must not contain NUL characters"),
        ({"correction": {"a": ["b\x00"]}}, "correction: must not contain NUL"),
        ({"correction": [float("inf")]}, "correction: must not contain NaN or Infinity"),
        ({"correction": "x" * 1_000_000}, "correction: has 1,000,002 characters; 1,000,000 are allowed"),
        ({"span_id": "0000000000000000"}, "span_id: this run has no span '0000000000000000'"),
        ({"span_id": "\x00"}, "span_id: this run has no span"),
    ],
)
def test_what_is_not_valid_is_named(acme: Tenant, run: Run, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        rate_run(by=acme.principal, run=run, judgement=Judgement(**{"dimension": "correct", "value": 1.0} | fields))
    assert message in str(caught.value)
    assert ratings_page(acme.principal, run).items == []


def test_a_run_that_works_cannot_be_rated(acme: Tenant) -> None:
    with pytest.raises(Conflict, match="The run is queued"):
        rate(acme.principal, make_run(acme.principal, acme.project))


def test_rights(acme: Tenant, run: Run, vera: Principal, bo: Principal) -> None:
    rating = rate(acme.principal, run)
    with pytest.raises(PermissionMissing):
        rate(vera, run)
    with pytest.raises(NotFound):
        rate(bo, run)
    other = make_member(acme.organization, "rita@acme.example", Role.REVIEWER)
    for by in (other, bo):
        with pytest.raises(NotFound, match="of yours"):
            withdraw_rating(by=by, rating_id=rating.id)
    with pytest.raises(PermissionMissing):
        withdraw_rating(by=vera, rating_id=rating.id)
    assert [item.id for item in ratings_page(vera, run).items] == [rating.id]


def test_withdrawn_counts_no_more_and_can_be_given_again(acme: Tenant, run: Run) -> None:
    rating = rate(acme.principal, run, 0.0)
    for _ in range(2):
        assert withdraw_rating(by=acme.principal, rating_id=rating.id).current is False
    assert last_entry(acme).action == "run.withdraw_rating"
    assert verdicts_of(acme.principal, [run]) == {}
    again = rate(acme.principal, run, 0.0)
    assert (again.version, again.current) == (2, True)
    assert last_entry(acme).changes["value"] == {"from": None, "to": 0.0}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_come_one_after_the_other(acme: Tenant, run: Run) -> None:
    barrier = Barrier(4)

    def judge(value: float) -> None:
        barrier.wait()
        rate(acme.principal, run, value)
        connection.close()

    threads = [Thread(target=judge, args=(number / 4,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = ratings_page(acme.principal, run, history=True).items
    assert sorted(rating.version for rating in history) == [1, 2, 3, 4]
    assert [rating.version for rating in history if rating.current] == [4]


def given(kind: str, value: float, dimension: str = "correct", **fields: Any) -> Rating:
    return Rating(rater_kind=kind, rater_actor="api_key", value=value, dimension=dimension, **fields)


def test_verdict_prefers_people_then_checkers_then_judges() -> None:
    ratings = [given("judge", 0.0), given("checker", 0.5), given("human", 1.0), given("human", 0.8)]
    for left, expected in ((4, 0.9), (2, 0.5), (1, 0.0)):
        verdict = verdict_of(ratings[:left])
        assert verdict is not None
        assert verdict.correct == pytest.approx(expected)
    assert verdict_of([]) is None


def test_verdict_tells_dispute_correction_and_dimensions() -> None:
    verdict = verdict_of(
        [
            given("human", 1.0),
            given("human", 0.2, correction="43", rater_id=None),
            given("human", 0.5, "helpful"),
            given("human", 0.0, span_id="f" * 16),
            given("human", 0.0, "safety", current=False),
        ]
    )
    assert verdict is not None
    assert verdict.values == {"correct": pytest.approx(0.6), "helpful": 0.5}
    assert (verdict.disputed, verdict.corrected, verdict.raters) == (True, True, 1)


def test_verdicts_of_a_page_of_runs(acme: Tenant, run: Run) -> None:
    other = finished_run(acme.principal, acme.project)
    rate(acme.principal, run, 0.5, "helpful")
    found = verdicts_of(acme.principal, [run, other])
    assert found.keys() == {run.id}
    assert (found[run.id].correct, found[run.id].values) == (None, {"helpful": 0.5})


def test_pages(acme: Tenant, run: Run) -> None:
    for number in range(3):
        rate(acme.principal, run, number / 10)
    first = ratings_page(acme.principal, run, history=True, limit=2)
    rest = ratings_page(acme.principal, run, history=True, limit=2, cursor=first.next_cursor)
    assert [rating.value for rating in (*first.items, *rest.items)] == [0.2, 0.1, 0.0]
    assert rest.next_cursor == ""
