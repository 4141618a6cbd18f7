"""What goes into a run and what comes out of it."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal
from uuid import UUID

from rlmlab.engine.events import Failure, FinishReason, MediaReference, RunStatus
from rlmlab.engine.memory import Recalled
from sandbox.base import PROFILES, ContextSource, Profile

Mode = Literal["direct", "repl", "rlm"]
ContextOpener = Callable[[], Awaitable[ContextSource | None]]
"""Opens the run's input anew: at the start, and again after a REPL was lost."""

LEAST: Mapping[str, float] = {
    "max_tokens": 1,
    "max_cost_usd": 0,
    "max_seconds": 0.001,
    "max_depth": 0,
    "max_steps": 1,
    "max_sub_calls": 0,
}
STATUS_OF: Mapping[FinishReason, RunStatus] = {
    "submitted": "succeeded",
    "fallback": "succeeded",
    "budget": "failed",
    "timeout": "failed",
    "error": "failed",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Budget:
    """A run's limits. `max_cost_usd` None: not given, so 1 USD where every model has a known price, else no cost limit.

    Tokens (input + output), cost and sub-calls count over the whole tree, steps per RLM level; the root has depth 0.

    Raises:
        ValueError: a limit is not a number in its range; the message starts with the limit's name.
    """

    max_tokens: int = 1_000_000
    max_cost_usd: float | None = None
    max_seconds: float = 900
    max_depth: int = 3
    max_steps: int = 30
    max_sub_calls: int = 200

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None or field.name != "max_cost_usd":
                check_limit(field.name, value)


def check_limit(name: str, value: object) -> None:
    """Refuse a limit that is no finite number in its range.

    Raises:
        ValueError: its message starts with the limit's name.
    """
    whole = name not in {"max_cost_usd", "max_seconds"}
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise ValueError(f"{name}: must be a {'whole ' if whole else ''}number")  # noqa: TRY004 - one error type a caller
    if not math.isfinite(value) or value < LEAST[name]:
        raise ValueError(f"{name}: must be at least {LEAST[name]:g}")


@dataclass(frozen=True, slots=True)
class ContextPartInfo:
    """One named file of the input; `size` in bytes; `media_type` of an image or a sound, else empty."""

    name: str
    size: int
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class ContextInfo:
    """What the model is told of the input before it looks: `size` in bytes, `parts` for files, media among JSON too."""

    kind: Literal["text", "json", "files"]
    size: int
    parts: tuple[ContextPartInfo, ...] = ()


async def no_context() -> ContextSource | None:
    """Open the input of a run that has none."""
    return None


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example from an earlier run, its text frozen (`rlmlab.engine.prompts.shots` renders it)."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Code that a person wrote in place of the model's reply at the step `path`."""

    path: str
    code: str


@dataclass(frozen=True, slots=True)
class Compaction:
    """When a level's conversation is summarised: at a share of its model's window, at most at so many tokens."""

    share: float = 0.6
    tokens: int = 100_000

    def threshold(self, window: int | None) -> int:
        """Return it in tokens; None: the window is not known."""
        return self.tokens if window is None else min(self.tokens, int(window * self.share))


@dataclass(frozen=True, slots=True)
class Origin:
    """The run that another one goes on from: how (fork, retry, continue), which, and the last event that is shared."""

    kind: str
    run_id: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run, frozen when it was created.

    `sub_model` None: sub-calls use `model`. `depth_models` names a level's model by its depth, before the other two.
    `mode` direct: one plain call; repl: no sub-calls; `mode_reason` says why `auto` chose it. `fallback_models` are
    asked in order when a model fails for good. `system_prompt` None: the taught prompt; `prompt_name`: what people call
    it, with its version. `examples` stand before the task of the root level, the most similar last. `pinned_memories`
    are shown there too, where the run has a memory. `response_schema`: the JSON Schema subset of
    `rlmlab.engine.structured`. `media`: the images and sounds among the input's files. `origin`, `edit` and
    `renewed_prompt` (its own system prompt, not the other one's) concern a run that goes on from another.
    """

    run_id: UUID
    task: str
    model: str
    sub_model: str | None = None
    environment_name: str = "restricted"
    profile: Profile = PROFILES["default"]
    budget: Budget = Budget()
    context: ContextInfo | None = None
    open_context: ContextOpener = no_context
    response_schema: Mapping[str, Any] | None = None
    seed: int | None = None
    system_prompt: str | None = None
    prompt_name: str | None = None
    fallback_models: tuple[str, ...] = ()
    depth_models: tuple[str, ...] = ()
    mode: Mode = "rlm"
    mode_reason: str | None = None
    examples: tuple[Example, ...] = ()
    pinned_memories: tuple[Recalled, ...] = ()
    media: tuple[MediaReference, ...] = ()
    origin: Origin | None = None
    edit: Edit | None = None
    renewed_prompt: bool = False
    compaction: Compaction = Compaction()

    def model_at(self, depth: int) -> str:
        """Name the model that is asked at a depth; a sub-call's is one below its cell's."""
        usual = self.model if depth == 0 else self.sub_model or self.model
        return (self.depth_models[depth] if depth < len(self.depth_models) else "") or usual


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run used; `cost_usd` None: some call's price is unknown. `steps` sums over all levels.

    Cached tokens, read and written, are parts of the input, those of reasoning of the output.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    model_calls: int = 0
    sub_calls: int = 0
    steps: int = 0
    max_depth: int = 0
    seconds: float = 0.0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended; `error` is never None when the status is failed, `finish_reason` is where it is paused."""

    status: RunStatus
    finish_reason: FinishReason | None
    answer: Any
    error: Failure | None
    totals: Totals


class CancelToken:
    """A request to stop a run, for good or to go on later, made from the run's own event loop."""

    def __init__(self) -> None:
        self._cancel = asyncio.Event()
        self._pause = asyncio.Event()

    @property
    def cancelled(self) -> bool:
        """Tell whether the run shall stop for good."""
        return self._cancel.is_set()

    def cancel(self) -> None:
        """Ask the run to stop for good."""
        self._cancel.set()

    def pause(self) -> None:
        """Ask the run to stop where it stands, to be taken up again later."""
        self._pause.set()

    async def wait(self) -> None:
        """Return when the run shall stop for good."""
        await self._cancel.wait()

    async def wait_for_pause(self) -> None:
        """Return when the run shall pause."""
        await self._pause.wait()
