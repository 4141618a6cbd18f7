"""Experiments as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from ninja import Schema
from pydantic import Field, WithJsonSchema

from rlmlab.api.schemas.base import Body
from rlmlab.api.schemas.runs import BudgetIn
from trajectories.improvement.evaluation import ArmTotals, Comparison, Outcome, Row
from trajectories.improvement.plans import ExperimentRequest
from trajectories.models import Experiment, PromptVersion

AnyJson = Annotated[Any, WithJsonSchema({"description": "Any JSON value."})]
Reference = Annotated[str, Field(description="A prompt version: its number, a label, or empty for `production`.")]


class ExperimentIn(Body):
    """A new experiment; `budget` holds for each of its runs."""

    dataset: str
    split: str = "holdout"
    name: str = ""
    baseline: Reference = ""
    baseline_examples: bool = False
    candidate: Reference
    candidate_examples: bool = False
    model: str | None = None
    sub_model: str | None = None
    environment: str | None = None
    budget: BudgetIn | None = None
    seed: int | None = None

    def request(self) -> ExperimentRequest:
        """Return what is asked for, in the domain's words."""
        given = self.model_dump(exclude_none=True)
        return ExperimentRequest(**given)


class ArmOut(Schema):
    """One arm of an experiment: a prompt version, with or without examples."""

    prompt: str
    version: int
    examples: bool

    @classmethod
    def of(cls, version: PromptVersion, *, examples: bool) -> Self:
        """Show an arm whose prompt is at hand."""
        return cls(prompt=version.prompt.name, version=version.number, examples=examples)


class ArmFigures(Schema):
    """What an arm's ended runs used; `correct` counts compared items. `cost_usd` null: a price is unknown."""

    correct: int
    cost_usd: float | None
    tokens: int
    median_seconds: float | None

    @classmethod
    def of(cls, totals: ArmTotals) -> Self:
        """Show them."""
        return cls(
            correct=totals.correct,
            cost_usd=totals.cost_usd,
            tokens=totals.tokens,
            median_seconds=totals.median_seconds,
        )


class ComparisonOut(Schema):
    """What the runs say so far. `verdict` null: some have not ended. `p_value`: one-sided exact McNemar.

    `difference` is in the share of right answers, with its 95 % interval. `more_needed`: about how many more items
    would show the difference that was seen; null where nothing can be said.
    """

    items: int
    runs: int
    finished: int
    pairs: int
    wins: int
    losses: int
    ties: int
    missing: int
    p_value: float
    verdict: str | None
    difference: float
    interval: list[float]
    more_needed: int | None
    baseline: ArmFigures
    candidate: ArmFigures

    @classmethod
    def of(cls, found: Comparison) -> Self:
        """Show a comparison."""
        figures = {name: getattr(found, name) for name in cls.model_fields}
        return cls(
            **figures
            | {
                "verdict": found.verdict.value if found.verdict is not None else None,
                "interval": list(found.interval),
                "baseline": ArmFigures.of(found.baseline),
                "candidate": ArmFigures.of(found.candidate),
            }
        )


class ExperimentOut(Schema):
    """An experiment with what came of it."""

    id: UUID
    project: str
    name: str
    dataset: str
    split: str
    baseline: ArmOut
    candidate: ArmOut
    model: str
    sub_model: str | None
    environment: str
    plan_hash: str
    created_at: datetime
    comparison: ComparisonOut

    @classmethod
    def of(cls, found: tuple[Experiment, Comparison]) -> Self:
        """Show an experiment with its comparison."""
        row, comparison = found
        return cls(
            id=row.id,
            project=row.project.slug,
            name=row.name,
            dataset=row.dataset.name,
            split=row.split,
            baseline=ArmOut.of(row.baseline, examples=row.baseline_examples),
            candidate=ArmOut.of(row.candidate, examples=row.candidate_examples),
            model=row.model,
            sub_model=row.sub_model or None,
            environment=row.environment,
            plan_hash=row.plan_hash,
            created_at=row.created_at,
            comparison=ComparisonOut.of(comparison),
        )


class OutcomeOut(Schema):
    """A run of an experiment; `grade`: right, wrong, missing (its failure says nothing about the arm) or open."""

    run: UUID | None
    grade: str
    status: str
    error_code: str | None
    answer: AnyJson
    cost_usd: float | None
    seconds: float

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """Show an outcome."""
        return cls(
            run=outcome.run_id,
            grade=outcome.grade.value,
            status=outcome.status,
            error_code=outcome.error_code or None,
            answer=outcome.answer,
            cost_usd=outcome.cost_usd,
            seconds=outcome.seconds,
        )


class ComparedItem(Schema):
    """An item with both outcomes; `kind`: win, loss, both_right, both_wrong, missing or open."""

    item: UUID
    number: int
    task: str
    expected: AnyJson
    kind: str
    baseline: OutcomeOut
    candidate: OutcomeOut

    @classmethod
    def of(cls, row: Row) -> Self:
        """Show a row."""
        return cls(
            item=row.item_id,
            number=row.number,
            task=row.task,
            expected=row.expected,
            kind=row.kind.value,
            baseline=OutcomeOut.of(row.baseline),
            candidate=OutcomeOut.of(row.candidate),
        )
