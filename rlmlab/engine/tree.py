"""What all levels of one run share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from rlmlab.engine.budget import Meter
from rlmlab.engine.cache import Answers
from rlmlab.engine.fallbacks import Asker
from rlmlab.engine.media import Shelf
from rlmlab.engine.providers.base import ModelInfo, Provider
from rlmlab.engine.services import Service
from rlmlab.engine.spans import OpenSpan, Spans, SpanStart
from rlmlab.engine.stream import EventStream
from rlmlab.engine.tools.toolbox import Toolbox
from rlmlab.engine.types import ContextInfo, ContextOpener, RunSpec
from sandbox.base import Environment

SHOWN_PROMPT_CHARS = 2_000
NO_ANSWERS = Answers()


@dataclass(frozen=True, slots=True)
class Tree:
    """One run: its request, its means, its meter and its stream; `services` answer its cells beside sub-calls.

    `memory` tells whether one of them is the run's memory; `toolbox` is the one that holds its tools,
    `shelf` its images and sounds.
    """

    spec: RunSpec
    provider: Provider
    environment: Environment
    stream: EventStream
    spans: Spans
    meter: Meter
    asker: Asker
    services: tuple[Service, ...] = ()
    memory: bool = False
    toolbox: Toolbox | None = None
    answers: Answers = NO_ANSWERS
    shelf: Shelf = field(default_factory=Shelf)

    def under(self, meter: Meter) -> "Tree":
        """Return it as a level sees it that has a budget of its own."""
        return replace(self, meter=meter, asker=self.asker.under(meter))


@dataclass(frozen=True, slots=True)
class LevelSpec:
    """One RLM level: the root, or an `rlm_query`. `path` is its call path, empty for the root."""

    task: str
    info: ModelInfo
    depth: int
    path: str
    context: ContextInfo | None
    open_context: ContextOpener
    response_schema: Any = None


class RunChild(Protocol):
    """Runs a level to its end, inside the span of its sub-call, and returns its answer."""

    async def __call__(self, spec: LevelSpec, span: OpenSpan, meter: Meter) -> Any:
        """Run the level on a budget of its own.

        Raises:
            BudgetExhausted: what is above that has no budget left.
            EngineError: the level failed.
            SandboxError: its environment failed.
        """
        ...


def root_started(
    spec: RunSpec, environment: Environment, cost_limit_usd: float | None, means: Mapping[str, Any]
) -> SpanStart:
    """Describe a run at its start; `means`: whether it has a memory, and the names of its tools."""
    budget = spec.budget
    context = spec.context
    return SpanStart(
        kind="run",
        name=spec.model,
        path="",
        depth=0,
        data={
            "task": spec.task,
            "model": spec.model,
            "sub_model": spec.sub_model,
            "depth_models": list(spec.depth_models),
            "fallback_models": list(spec.fallback_models),
            "mode": spec.mode,
            "mode_reason": spec.mode_reason,
            "prompt": spec.prompt_name,
            "examples": [example.id for example in spec.examples],
            **means,
            "origin": None
            if spec.origin is None
            else {"kind": spec.origin.kind, "run": str(spec.origin.run_id), "seq": spec.origin.seq},
            "environment": environment.name,
            "level": environment.level,
            "profile": spec.profile.name,
            "budget": {
                "max_tokens": budget.max_tokens,
                "max_cost_usd": cost_limit_usd,
                "max_seconds": budget.max_seconds,
                "max_depth": budget.max_depth,
                "max_steps": budget.max_steps,
                "max_sub_calls": budget.max_sub_calls,
            },
            "context": None
            if context is None
            else {
                "kind": context.kind,
                "size": context.size,
                "parts": [{"name": part.name, "size": part.size} for part in context.parts],
            },
            **({"media": [file.model_dump() for file in spec.media]} if spec.media else {}),
        },
    )
