"""Making examples of rated runs, and retiring them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from psycopg.errors import UniqueViolation

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.engine.prompts.shots import Correction, Step, render_example
from rlmlab.engine.prompts.texts import describe
from rlmlab.errors import Conflict, NotFound
from rlmlab.tenancy.principals import Principal
from trajectories import contexts
from trajectories.improvement.inputs import input_hash_of
from trajectories.models import Event, Example, Item, Rating, Run, Span
from trajectories.models.datasets import Split
from trajectories.models.examples import ExampleKind
from trajectories.models.ratings import Dimension, RaterKind
from trajectories.models.runs import Purpose
from trajectories.ratings import BAD_BELOW, GOOD_FROM, current_ratings

MESSAGES_READ: Final = 1_000
_OWN_PATH: Final = r"^[0-9]+(/m(/[0-9]+)?)?$"  # a step of the root level, and its model call


def make_example(*, by: Principal, run: Run) -> Example:
    """Make an example of a run: of the answer that somebody corrected, else of a run that was rated correct.

    Its text is frozen now. A run of which there is an active example gives that one.

    Raises:
        Conflict: the run is not fit for an example; the message says why.
        NotFound: the organization has no such run.
    """
    by.require("example.manage")
    with scoping.organization(by.organization):
        found = Run.objects.for_org(by.organization).select_related("project").filter(pk=run.id)
        run = _fit(found.first())
        active = Example.objects.for_org(by.organization).filter(run=run, retired_at=None).defer("search")
        if (example := active.first()) is not None:
            return example
        ratings = current_ratings(run)
        rating = _basis(ratings)
        hashed = input_hash_of(run)
        _refuse_leak(run, hashed)
        example = Example(
            organization=by.organization,
            project=run.project,
            run=run,
            rating=rating,
            kind=ExampleKind.GOOD if rating.correction is None else ExampleKind.CORRECTED,
            task=run.task,
            text=_text(run, rating),
            input_hash=hashed,
            created_by_kind=by.actor.kind,
            created_by_id=by.actor.id,
        )
        try:
            with transaction.atomic():
                example.save(force_insert=True)
        except IntegrityError as error:  # somebody was faster
            if isinstance(error.__cause__, UniqueViolation):
                return active.get()
            raise
        _record(by, example, "example.create", {"kind": example.kind, "run": str(run.id)})
    return example


def retire_example(*, by: Principal, example_id: UUID) -> Example:
    """Give an example to no further run; doing it again changes nothing.

    Raises:
        NotFound: the organization has no such example.
    """
    by.require("example.manage")
    with scoping.organization(by.organization):
        rows = Example.objects.for_org(by.organization).select_for_update(of=("self",)).defer("search")
        example = rows.select_related("project", "run").filter(pk=example_id).first()
        if example is None:
            raise NotFound(f"There is no example {example_id}.")
        if example.retired_at is None:
            example.retired_at = timezone.now()
            example.save(update_fields=["retired_at"])
            _record(by, example, "example.retire", {})
    return example


def _fit(run: Run | None) -> Run:
    if run is None:
        raise NotFound("There is no such run.")
    if run.purpose != Purpose.USER:
        raise Conflict("This run belongs to an experiment; what is measured must not be learnt from.")
    if not run.is_terminal:
        raise Conflict(f"The run is {run.status}; it can become an example when it has ended.")
    return run


def _basis(ratings: Sequence[Rating]) -> Rating:
    """Return the rating that makes a run an example: the newest correction, else a person's or checker's good word.

    Raises:
        Conflict: there is neither, or somebody's bad word against it.
    """
    whole = [rating for rating in ratings if not rating.span_id]
    if any(rating.dimension == Dimension.SAFETY and rating.value < BAD_BELOW for rating in whole):
        raise Conflict("This run failed in safety, so it cannot become an example.")
    corrected = [rating for rating in whole if rating.correction is not None]
    if corrected:
        return corrected[-1]
    correct = [rating for rating in whole if rating.dimension == Dimension.CORRECT]
    if any(rating.value < BAD_BELOW and rating.rater_kind == RaterKind.HUMAN for rating in correct):
        raise Conflict("A person rated this run wrong: say what the answer should have been, then make the example.")
    trusted = (RaterKind.HUMAN, RaterKind.CHECKER)
    good = [rating for rating in correct if rating.value >= GOOD_FROM and rating.rater_kind in trusted]
    if not good:
        raise Conflict("Rate the run correct, or correct its answer, before you make it an example.")
    return good[-1]


def _refuse_leak(run: Run, hashed: str) -> None:
    """Keep the cases that decide out of what is learnt from.

    Raises:
        Conflict: the same task and input is a held-out item of the project.
    """
    held_out = Item.objects.for_org(run.organization_id).filter(
        dataset__project_id=run.project_id, input_hash=hashed, retired_at=None
    )
    item = held_out.exclude(split=Split.TRAIN).select_related("dataset").first()
    if item is not None:
        raise Conflict(
            f"The same case is item {item.number} ({item.split}) of the dataset {item.dataset.name}: an example of it "
            "would give its answer away."
        )


def _text(run: Run, rating: Rating) -> str:
    described = describe(contexts.info(run, contexts.inputs_of(run)))
    correction = None
    if rating.correction is not None:
        correction = Correction(answer=rating.correction, comment=rating.comment)
    steps = [] if correction else _steps(run)
    return render_example(run.task, described, steps, run.answer, correction)


def _steps(run: Run) -> list[Step]:
    """Return the root level's turns: what the model wrote, and what it was shown after it."""
    own = Span.objects.for_org(run.organization_id).filter(run=run, path__regex=_OWN_PATH).values("span_id")
    rows = Event.objects.for_org(run.organization_id).filter(run=run, type="message", span_id__in=own)
    steps: list[Step] = []
    for payload in rows.order_by("seq").values_list("payload", flat=True)[:MESSAGES_READ]:
        if payload["purpose"] == "reply":
            steps.append((payload["content"], ""))
        elif payload["role"] == "user" and steps:
            steps[-1] = (steps[-1][0], payload["content"])
    return steps


def _record(by: Principal, example: Example, action: str, changes: dict[str, str]) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action=action,
        object_type="example",
        object_id=example.id,
        changes=changes,
    )
