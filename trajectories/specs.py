"""What the engine is told of a run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from django.conf import settings

from rlmlab.engine.events import Event
from rlmlab.engine.memory import Recalled
from rlmlab.engine.types import Budget, Compaction, ContextOpener, Edit, Example, Mode, Origin, RunSpec
from sandbox.base import PROFILES
from trajectories import contexts
from trajectories.improvement.prompts import own_text
from trajectories.media import references
from trajectories.models import Run, RunInput


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run's model is shown of earlier runs from the start."""

    pinned_memories: tuple[Recalled, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Shared:
    """What a run has from the one that it goes on from; `edit`: code in place of a reply, `renewed_prompt`: its own."""

    events: Sequence[Event] = ()
    edit: Edit | None = None
    renewed_prompt: bool = False


def run_spec(
    run: Run, inputs: Sequence[RunInput], open_context: ContextOpener, shown: Shown, shared: Shared
) -> RunSpec:
    """Build the engine's specification from the run's frozen columns."""
    version = run.prompt_version
    return RunSpec(
        run_id=run.id,
        task=run.task,
        model=run.model,
        sub_model=run.sub_model or None,
        depth_models=tuple(run.depth_models),
        fallback_models=tuple(run.fallback_models),
        mode=mode_of(run),
        mode_reason=run.mode_reason or None,
        environment_name=run.environment,
        profile=PROFILES[run.profile],
        budget=budget_of(run),
        context=contexts.info(run, inputs),
        open_context=open_context,
        response_schema=run.response_schema,
        seed=run.seed,
        system_prompt=None if version is None else own_text(version),
        prompt_name=None if version is None else str(version),
        pinned_memories=shown.pinned_memories,
        examples=shown.examples,
        origin=origin_of(run),
        edit=shared.edit,
        renewed_prompt=shared.renewed_prompt,
        media=references(inputs),
        compaction=Compaction(settings.RLMLAB.compaction_share, settings.RLMLAB.compaction_tokens),
    )


def origin_of(run: Run) -> Origin | None:
    """Return where a run comes from."""
    return None if run.origin_run_id is None else Origin(run.origin, run.origin_run_id, run.origin_seq)


def mode_of(run: Run) -> Mode:
    """Return how a run works; `auto` was settled when it was made."""
    return cast("Mode", run.mode)


def budget_of(run: Run) -> Budget:
    """Return the budget as it was asked for: a cost limit that is only the default is left to the engine."""
    limits = {field.name: getattr(run, field.name) for field in fields(Budget)}
    return Budget(**limits | ({} if run.cost_limit_given else {"max_cost_usd": None}))


def root_data(run: Run) -> dict[str, Any]:
    """Describe a run that never began, as it would stand at the start of its stream; it was shown no examples."""
    limits = {field.name: getattr(run, field.name) for field in fields(Budget)}
    described = contexts.info(run, contexts.inputs_of(run))
    return {
        "task": run.task,
        "model": run.model,
        "sub_model": run.sub_model or None,
        "depth_models": list(run.depth_models),
        "fallback_models": list(run.fallback_models),
        "mode": run.mode,
        "mode_reason": run.mode_reason or None,
        "prompt": None if run.prompt_version is None else str(run.prompt_version),
        "examples": [],
        "memory": run.use_memory,
        "tools": run.tools,
        "origin": None
        if run.origin_run_id is None
        else {"kind": run.origin, "run": str(run.origin_run_id), "seq": run.origin_seq},
        "environment": run.environment,
        "level": run.environment_level,
        "profile": run.profile,
        "budget": limits,
        "context": None if described is None else asdict(described),
    }
