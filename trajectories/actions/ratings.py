"""Rating runs, and saying what their answer should have been."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.engine.structured import mismatch
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.tenancy.principals import Principal
from trajectories.models import Rating, Run, Span
from trajectories.models.ratings import Dimension, RaterKind
from trajectories.requests import clean_text, refuse_unstorable

COMMENT_CHARACTERS: Final = 10_000
CORRECTION_CHARACTERS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody thinks of a run, or with `span_id` of a part of it.

    `value` is between 0 (not at all) and 1. `correction` is the answer that should have been given, None for none.
    """

    dimension: str
    value: float
    span_id: str = ""
    comment: str = ""
    correction: Any = None
    rater: str = RaterKind.HUMAN


def rate_run(*, by: Principal, run: Run, judgement: Judgement) -> Rating:
    """Keep a judgement; it takes the place of this rater's earlier one on the same thing, which stays in the history.

    The same judgement again changes nothing.

    Raises:
        Invalid: a field is not valid.
        NotFound: the organization has no such run.
        Conflict: the run has not ended.
    """
    by.require("run.rate")
    _check(by, judgement)
    with scoping.organization(by.organization):
        locked = _locked(by, run.id)
        if not locked.is_terminal:
            raise Conflict(f"The run is {locked.status}; it can be rated when it has ended.")
        _check_span(locked, judgement.span_id)
        _check_form(locked, judgement)
        earlier = _earlier(by, locked, judgement)
        if earlier is not None and _same(earlier, judgement):
            return earlier
        if earlier is not None:
            Rating.objects.for_org(by.organization).filter(pk=earlier.pk).update(current=False)
        rating = Rating.objects.create(
            organization=by.organization,
            run=locked,
            span_id=judgement.span_id,
            dimension=judgement.dimension,
            value=float(judgement.value),
            rater_kind=judgement.rater,
            rater_actor=by.actor.kind,
            rater_id=by.actor.id,
            version=1 if earlier is None else earlier.version + 1,
            comment=judgement.comment.strip(),
            correction=judgement.correction,
        )
        _record(by, rating, "run.rate", _changes(earlier, rating))
    return rating


def withdraw_rating(*, by: Principal, rating_id: UUID) -> Rating:
    """Take back one's own current judgement; doing it again changes nothing.

    Raises:
        NotFound: there is no such rating of one's own.
    """
    by.require("run.rate")
    with scoping.organization(by.organization):
        mine = Rating.objects.for_org(by.organization).filter(rater_actor=by.actor.kind, rater_id=by.actor.id)
        rating = mine.select_for_update(of=("self",)).select_related("run").filter(pk=rating_id).first()
        if rating is None:
            raise NotFound(f"There is no rating {rating_id} of yours.")
        if rating.current:
            rating.current = False
            rating.save(update_fields=["current"])
            _record(by, rating, "run.withdraw_rating", {"dimension": rating.dimension, "value": rating.value})
    return rating


def _check(by: Principal, judgement: Judgement) -> None:
    if judgement.dimension not in Dimension.values:
        known = ", ".join(Dimension.values)
        raise Invalid.field("dimension", f'"{judgement.dimension}" is not a dimension; use one of {known}')
    if not (math.isfinite(judgement.value) and 0 <= judgement.value <= 1):
        raise Invalid.field("value", "must be between 0 and 1")
    if judgement.rater not in RaterKind.values:
        raise Invalid.field("rater", f'"{judgement.rater}" is not one of {", ".join(RaterKind.values)}')
    if judgement.rater != RaterKind.HUMAN and by.actor.kind == "user":
        raise Invalid.field("rater", "a person's own rating is human; a checker or a judge rates with an API key")
    if judgement.comment.strip():
        clean_text("comment", judgement.comment, COMMENT_CHARACTERS)
    if judgement.correction is not None:
        refuse_unstorable("correction", judgement.correction)
        if (size := len(json.dumps(judgement.correction))) > CORRECTION_CHARACTERS:
            raise Invalid.field("correction", f"has {size:,} characters; {CORRECTION_CHARACTERS:,} are allowed")


def _check_span(run: Run, span_id: str) -> None:
    known = Span.objects.for_org(run.organization_id).filter(run=run, span_id=span_id)
    if span_id and ("\x00" in span_id or not known.exists()):
        raise Invalid.field("span_id", f"this run has no span {span_id[:40]!r}")


def _check_form(run: Run, judgement: Judgement) -> None:
    """Go on only if a correction of the answer has the form that the answer must have: examples are made of it."""
    if judgement.correction is None or judgement.span_id or run.response_schema is None:
        return
    if problem := mismatch(judgement.correction, run.response_schema, "correction"):
        raise Invalid.field("correction", f"does not match the response schema of the run ({problem})")


def _locked(by: Principal, run_id: UUID) -> Run:
    """Lock the run, so that two judgements at once come one after the other."""
    found = Run.objects.for_org(by.organization).select_for_update(no_key=True).filter(pk=run_id)
    run = found.first()
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    return run


def _earlier(by: Principal, run: Run, judgement: Judgement) -> Rating | None:
    """Return this rater's last judgement on the same thing, also a withdrawn one, for its number."""
    rows = Rating.objects.for_org(by.organization).filter(
        run=run,
        span_id=judgement.span_id,
        dimension=judgement.dimension,
        rater_kind=judgement.rater,
        rater_actor=by.actor.kind,
        rater_id=by.actor.id,
    )
    return rows.order_by("-version").first()


def _same(earlier: Rating, judgement: Judgement) -> bool:
    return earlier.current and (earlier.value, earlier.comment, earlier.correction) == (
        float(judgement.value),
        judgement.comment.strip(),
        judgement.correction,
    )


def _changes(earlier: Rating | None, rating: Rating) -> dict[str, Any]:
    """Say what was judged; comment and correction may be personal and stay with the rating."""
    before = earlier.value if earlier is not None and earlier.current else None
    changes: dict[str, Any] = {"dimension": rating.dimension, "value": {"from": before, "to": rating.value}}
    if rating.correction is not None:
        changes["corrected"] = True
    return changes


def _record(by: Principal, rating: Rating, action: str, changes: Mapping[str, Any]) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action=action,
        object_type="run",
        object_id=rating.run_id,
        changes=changes,
    )
