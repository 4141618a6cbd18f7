"""Settles how a new run works: what was asked for, checked, or for `auto` what its size and the past say."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db.models import Avg

from rlmlab.engine.direct import room_of
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.errors import Invalid
from rlmlab.tenancy.models import Project
from trajectories.models import Rating, Run
from trajectories.models.ratings import Dimension
from trajectories.models.runs import TERMINAL, FinishReason, Mode, Purpose
from trajectories.modes import Record, Situation, choose
from trajectories.ratings import GOOD_FROM, PREFERRED
from trajectories.requests import RunRequest

LOOKED_AT: Final = 1000
"""So many of the model's newest runs count; older ones may have had other prompts."""
SIMILAR: Final = 4
SMALL_BYTES: Final = 16_384
NEEDS_REPL: Final = ("use_examples", "use_memory", "prompt", "tools")
RAN_OUT: Final = (FinishReason.BUDGET, FinishReason.TIMEOUT)


def settle_mode(run: Run, info: ModelInfo, request: RunRequest) -> None:
    """Set the run's mode, and for `auto` the reason; its input is known. Within a scope.

    Raises:
        Invalid: a plain call was asked for, and the input does not fit, or a REPL is needed.
    """
    needed = [name for name in NEEDS_REPL if getattr(request, name)]
    tokens, room = -(-run.context_size // 3), room_of(info)
    if request.mode == Mode.DIRECT:
        if needed:
            raise Invalid.field(needed[0], "a direct run has no REPL, so that it cannot use this")
        if room is not None and tokens > room:
            message = f"the input may have {tokens:,} tokens, and {info.model} has room for {max(0, room):,}"
            raise Invalid.field("mode", f"{message}; use repl, rlm or auto")
    run.mode = request.mode or Mode.RLM
    if run.mode == Mode.AUTO:
        records = records_of(run.project, run.model, run.context_size)
        choice = choose(Situation(tokens, room, needs_repl=bool(needed), records=records))
        run.mode, run.mode_reason = choice.mode, choice.reason


def records_of(project: Project, model: str, size: int) -> dict[str, Record]:
    """Sum up, by mode, how the project's runs of a model over inputs of similar size went; within a scope.

    Similar is between a quarter and four times as many bytes. A run is judged where somebody rated whether it is right,
    by its most trusted raters, or where it ran out of its limits, which is as bad.
    """
    newest = Run.objects.for_org(project.organization_id).filter(project=project, model=model, purpose=Purpose.USER)
    rows = newest.order_by("-created_at", "-id").values_list(
        "id", "mode", "context_size", "status", "finish_reason", "cost_usd"
    )
    low, high = (size // SIMILAR, size * SIMILAR) if size > SMALL_BYTES // SIMILAR else (0, SMALL_BYTES)
    runs = [row for row in rows[:LOOKED_AT] if row[3] in TERMINAL and low <= row[2] <= high]
    rated = _correct(project, [row[0] for row in runs])
    records: dict[str, Record] = {}
    for run_id, mode, _, _, reason, cost_usd in runs:
        value = rated.get(run_id, 0.0 if reason in RAN_OUT else None)
        if value is not None:
            records[mode] = records.get(mode, Record()).with_run(good=value >= GOOD_FROM, cost_usd=cost_usd)
    return records


def _correct(project: Project, ids: Iterable[UUID]) -> dict[UUID, float]:
    """Return how right rated runs were, by their most trusted raters."""
    rated = Rating.objects.for_org(project.organization_id).filter(
        run__in=list(ids), dimension=Dimension.CORRECT, current=True, span_id=""
    )
    best: dict[UUID, tuple[int, float]] = {}
    for run_id, kind, mean in rated.order_by().values_list("run_id", "rater_kind").annotate(mean=Avg("value")):
        place = (PREFERRED.index(kind), mean)
        best[run_id] = min(place, best.get(run_id, place))
    return {run_id: mean for run_id, (_, mean) in best.items()}
