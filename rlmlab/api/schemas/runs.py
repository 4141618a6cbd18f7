"""Runs as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from ninja import Schema
from pydantic import Field, WithJsonSchema

from rlmlab.api.schemas.base import Body
from rlmlab.api.schemas.tokens import TokenBuckets
from trajectories.actions.forks import Changes
from trajectories.models import PromptVersion, Run
from trajectories.requests import RunRequest

Context = Annotated[
    Any,
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array"}, {"type": "object"}, {"type": "null"}]}),
    Field(description="The input, kept as it is: the variable `context` in the REPL."),
]
JsonObject = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
PromptReference = Annotated[
    Any,
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
    Field(
        description="The version of the system prompt: null (what the label `production` points at), a label, a "
        "version's number (3, `v3`), or one of these behind the prompt's name (`system@3`, `system@staging`)."
    ),
]


class BudgetIn(Body):
    """Limits of a run; those left out have their defaults."""

    max_tokens: int | None = None
    max_cost_usd: float | None = None
    max_seconds: float | None = None
    max_depth: int | None = None
    max_steps: int | None = None
    max_sub_calls: int | None = None


class RunIn(Body):
    """A new run. `files` are ids of the project's files; with them, `context` in the REPL is a dict of names."""

    task: str
    context: Context = None
    files: list[Annotated[UUID, Field(strict=False)]] = []
    model: str | None = None
    sub_model: str | None = None
    fallback_models: list[str] | None = Field(
        None, description="Asked in order when a model fails for good; null: the project's."
    )
    depth_models: list[str] = Field(
        [],
        description="Models by depth, the root's first; a sub-call is asked of the model one depth below its cell. "
        "Empty or missing: `sub_model`, else `model`.",
    )
    mode: Literal["direct", "repl", "rlm", "auto"] | None = Field(
        None,
        description="`direct`: one plain call with the whole input. `repl`: a REPL without sub-calls. `rlm` (the "
        "default): with them. `auto`: by the input's size and by how this project's past runs went.",
    )
    environment: str | None = None
    budget: BudgetIn | None = None
    response_schema: JsonObject | None = None
    seed: int | None = None
    priority: int = Field(
        0, description="-10 to 10: among the organization's waiting runs the highest goes first, then the oldest."
    )
    tags: list[str] = []
    title: str | None = None
    prompt: PromptReference = None
    use_examples: bool = Field(False, description="Show the model the project's best fitting examples.")
    use_memory: bool = Field(False, description="Let the model recall and remember across the project's runs.")
    tools: list[str] = Field([], description="Names of tools that the run may use: GET /api/v1/tools.")

    def request(self) -> RunRequest:
        """Return what is asked for, in the domain's words."""
        return RunRequest(
            task=self.task,
            context=self.context,
            files=self.files,
            model=self.model or "",
            sub_model=self.sub_model or "",
            fallback_models=self.fallback_models,
            depth_models=self.depth_models,
            mode=self.mode or "",
            environment=self.environment or "",
            budget=self.budget.model_dump() if self.budget is not None else {},
            response_schema=self.response_schema,
            seed=self.seed,
            priority=self.priority,
            tags=self.tags,
            title=self.title or "",
            prompt="" if self.prompt is None else str(self.prompt),
            use_examples=self.use_examples,
            use_memory=self.use_memory,
            tools=self.tools,
        )


class ResumeIn(Body):
    """Limits that change when a run goes on; the others stay."""

    budget: BudgetIn | None = None

    def limits(self) -> dict[str, Any]:
        """Return the limits that are given."""
        return {} if self.budget is None else self.budget.model_dump(exclude_none=True)


class RetryIn(ResumeIn):
    """What is different in the new run; null: as in the other one."""

    model: str | None = None
    sub_model: str | None = None
    depth_models: list[str] | None = None
    fallback_models: list[str] | None = None
    environment: str | None = None
    prompt: PromptReference = None
    seed: int | None = None
    tags: list[str] | None = None
    title: str | None = None

    def changes(self) -> Changes:
        """Return what is different, in the domain's words."""
        values = self.model_dump(exclude={"budget", "at_seq"})
        values["prompt"] = None if self.prompt is None else str(self.prompt)
        return Changes(**values, budget=self.limits())


class ForkIn(RetryIn):
    """Where to leave another run, and what is different from there."""

    at_seq: int = Field(description="The last event that is shared; 0: nothing is.")
    code: str | None = Field(
        None, description="Run in place of the model's reply in the first step that is not shared."
    )


class RunPatch(Body):
    """What is said about a run; what is left out stays."""

    tags: list[str] = []
    title: str = ""

    def changes(self) -> dict[str, Any]:
        """Return what was given."""
        return self.model_dump(exclude_unset=True)


class Budget(Schema):
    """A run's limits; `max_cost_usd` null: the cost is not limited, since a price is unknown."""

    max_tokens: int
    max_cost_usd: float | None
    max_seconds: float
    max_depth: int
    max_steps: int
    max_sub_calls: int


class Totals(Schema):
    """What a run used; `cost_usd` null: a price is unknown.

    `input_tokens` has what was cached, `output_tokens` what was reasoned; `tokens` tells them apart.
    """

    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    model_calls: int
    sub_calls: int
    steps: int
    max_depth: int
    seconds: float
    tokens: TokenBuckets

    @classmethod
    def of(cls, run: Run) -> Self:
        """Show a run's sums."""
        apart: dict[str, Any] = {"max_depth": run.reached_depth, "tokens": TokenBuckets.of(run)}
        return cls(**{name: getattr(run, name) for name in cls.model_fields if name not in apart}, **apart)


class CacheUse(Schema):
    """How many sub-calls were answered from the cache, and what they had cost; null: a price is unknown."""

    on: bool
    sub_calls: int
    saved_usd: float | None


class RunError(Schema):
    """Why a run failed; `code` is stable, `message` is for people."""

    code: str
    message: str


class ContextOut(Schema):
    """What the input is; `size` in bytes."""

    kind: str
    size: int


class RunPrompt(Schema):
    """The prompt that a run got: its name, and the number of the version."""

    name: str
    version: int

    @classmethod
    def of(cls, version: PromptVersion) -> Self:
        """Show a version whose prompt is at hand."""
        return cls(name=version.prompt.name, version=version.number)


class OriginOut(Schema):
    """The run that this one goes on from, how, and the last event that was shared."""

    kind: str
    run_id: UUID
    at_seq: int


class RunSummary(Schema):
    """A run as lists show it; `prompt` null: it got no version of one, as direct runs do not.

    `mode_reason` tells why `auto` chose the mode; null where it was asked for.
    """

    id: UUID
    project: str
    title: str
    status: str
    finish_reason: str | None
    error: RunError | None
    model: str
    sub_model: str | None
    depth_models: list[str]
    fallback_models: list[str]
    mode: str
    mode_reason: str | None
    prompt: RunPrompt | None
    environment: str
    environment_level: str | None
    use_examples: bool
    use_memory: bool
    tools: list[str]
    budget: Budget
    totals: Totals
    cache: CacheUse
    last_seq: int
    tags: list[str]
    seed: int | None
    priority: int
    context: ContextOut | None
    cancel_requested: bool
    pause_requested: bool
    origin: OriginOut | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """Show a run whose project is at hand."""
        return cls(**summary(run))


class RunOut(RunSummary):
    """A run with its task and answer."""

    task: str
    answer: Annotated[Any, WithJsonSchema({"description": "Any JSON value."})]
    response_schema: JsonObject | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """Show a run whose project is at hand."""
        return cls(**summary(run), task=run.task, answer=run.answer, response_schema=run.response_schema)


def origin_of(run: Run) -> dict[str, Any] | None:
    """Return where a run comes from."""
    if run.origin_run_id is None:
        return None
    return {"kind": run.origin, "run_id": run.origin_run_id, "at_seq": run.origin_seq}


def present_run(run: Run) -> dict[str, Any]:
    """Return a run as the JSON that the API answers, for pages that hand it to their scripts."""
    return RunOut.of(run).model_dump(mode="json")


def summary(run: Run) -> dict[str, Any]:
    """Return what every view of a run shows."""
    return {
        "id": run.id,
        "project": run.project.slug,
        "title": run.title,
        "status": run.status,
        "finish_reason": run.finish_reason or None,
        "error": {"code": run.error_code, "message": run.error_message} if run.error_code else None,
        "model": run.model,
        "sub_model": run.sub_model or None,
        "depth_models": run.depth_models,
        "fallback_models": run.fallback_models,
        "mode": run.mode,
        "mode_reason": run.mode_reason or None,
        "prompt": None if run.prompt_version is None else RunPrompt.of(run.prompt_version),
        "environment": run.environment,
        "environment_level": run.environment_level or None,
        "use_examples": run.use_examples,
        "use_memory": run.use_memory,
        "tools": run.tools,
        "budget": {name: getattr(run, name) for name in Budget.model_fields},
        "totals": Totals.of(run),
        "cache": {"on": run.use_cache, "sub_calls": run.cached_sub_calls, "saved_usd": run.saved_usd},
        "last_seq": run.last_seq,
        "tags": run.tags,
        "seed": run.seed,
        "priority": run.priority,
        "context": {"kind": run.context_kind, "size": run.context_size} if run.context_kind else None,
        "cancel_requested": run.cancel_requested,
        "pause_requested": run.pause_requested,
        "origin": origin_of(run),
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }
