"""The closed union of run events, the spine of the product (docs/architecture.md).

Stored events are numbered by `seq` from 1 without gaps. A span is opened by `span_started` and closed by
`span_finished`; every other event stands inside the span that it names. Token text in flight is not an event
(`rlmlab.engine.stream.Delta`).
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from rlmlab.engine.providers.base import ToolCall

SpanKind = Literal["run", "step", "model_call", "execution", "sub_call", "tool_call"]
SpanStatus = Literal["running", "ok", "error", "refused", "interrupted", "cancelled"]
RunStatus = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
FinishReason = Literal["submitted", "fallback", "budget", "timeout", "error", "cancelled"]
EventType = Literal["span_started", "span_finished", "message", "code", "output", "answer", "budget", "memory", "log"]


def _is_empty(value: object) -> bool:
    """Tell whether a field says nothing, so that it is not stored."""
    return not value


class Payload(BaseModel):
    """Base of all payloads: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Usage(Payload):
    """Tokens and money of one model call, or the sum below a span; `cost_usd` None: some price is unknown.

    `input_tokens` contains the cached ones, read and written; `output_tokens` contains those of reasoning.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = 0.0
    estimated: bool = False


class Failure(Payload):
    """Why a span or a run ended badly; `code` is stable, `message` is for people."""

    code: str
    message: str


class SpanStarted(Payload):
    """`path` is the call path (design of durable replay); `name` what a tree shows: model, function or step number.

    `data` by kind. run: task, model, sub_model, depth_models (by depth, the root's first), mode, mode_reason (why
    `auto` chose it, or null), fallback_models, prompt (name and version, null for the taught one), examples
    (ids), memory (bool), tools (names), origin {kind, run, seq}, environment, level, profile, budget,
    context {kind, size, parts}.
    step: number. model_call: model, purpose (step | sub_call | fallback | repair | compaction), fallback_for (the
    model in whose place this one is asked, or null), request_hash, max_tokens, price.
    execution: cell. sub_call: function, prompt (first 2,000 characters), request_hash, index, batch_size, model,
    budget (where limits were given), schema (where a JSON value is asked for), media (where there is some).
    tool_call: request_hash and its arguments by name (recall: query, limit; remember: text; budget: none); of a tool
    they stand in arguments, as text where they are no JSON, and in shown as one short line.
    """

    type: Literal["span_started"] = "span_started"
    kind: SpanKind
    name: str
    path: str
    attempt: int = 1
    data: dict[str, Any] = Field(default_factory=dict)


class SpanFinished(Payload):
    """`usage` of a model call is its own; other kinds carry none, sums are projections. `result` of a sub_call or
    tool_call: its answer.

    `data` by kind. run: finish_reason, totals. model_call: finish_reason, attempts. sub_call: cached {run, span,
    saved_usd, input_tokens, output_tokens} of the one that paid for it, where it was answered from the cache.
    execution: status, cpu_seconds, peak_memory_bytes, usage_source, truncated_bytes.
    Of a step, execution and sub_call: coverage, the bytes of the input that it saw as far as that is known, as start,
    end, start, …
    """

    type: Literal["span_finished"] = "span_finished"
    kind: SpanKind
    status: SpanStatus
    seconds: float
    usage: Usage | None = None
    failure: Failure | None = None
    result: Any = None
    data: dict[str, Any] = Field(default_factory=dict)


class MediaReference(Payload):
    """An image or a sound among the run's inputs, by name and content hash; `size` in bytes, which no event holds."""

    name: str
    media_type: str
    size: int
    sha256: str


class Message(Payload):
    """A message of the level's conversation, stored once: system and task in the run or sub_call span, the model's text
    in its model_call span, observations and nudges (role user) in the step span.

    `example` are the built-in worked ones, and in one message those of earlier runs; `memory` the pinned notes; `edit`
    a person's code in place of a reply; `repair` says how a reply differs from the schema that was asked for;
    `summarise` asks for a summary of the turns so far, `summary` then stands in their place.
    `tool_calls` are what a model's message asks for in its provider's own form; each is answered by a message of role
    tool (an observation) in the step span, which names it by `tool_call_id`. `media` was sent with the message. Each of
    the three is left out where there is none.
    """

    type: Literal["message"] = "message"
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    purpose: Literal[
        "system",
        "task",
        "example",
        "reply",
        "observation",
        "nudge",
        "fallback",
        "prompt",
        "memory",
        "repair",
        "edit",
        "summarise",
        "summary",
    ] = "reply"
    tool_calls: list[ToolCall] = Field(default_factory=list, exclude_if=_is_empty)
    tool_call_id: str = Field(default="", exclude_if=_is_empty)
    media: list[MediaReference] = Field(default_factory=list, exclude_if=_is_empty)


class Code(Payload):
    """One code cell, as it is executed; `cell` counts from 1 within the level."""

    type: Literal["code"] = "code"
    cell: int
    code: str


class Output(Payload):
    """A piece of output; concatenating `text` over an execution span gives the exact output."""

    type: Literal["output"] = "output"
    channel: Literal["stdout", "stderr", "result", "error"]
    text: str
    truncated: bool = False


class Answer(Payload):
    """A submitted answer; `dialect` says how it was submitted, `fallback` when limits asked for it,
    `direct` where the reply is the answer."""

    type: Literal["answer"] = "answer"
    content: Any
    dialect: Literal["answer", "FINAL", "FINAL_VAR", "SUBMIT", "fallback", "direct"]


class SliceState(Payload):
    """Spend and own limits (null: none of its own) of an `rlm_query` and all below it; `exhausted`: the limit hit."""

    spent: dict[str, float | None]
    limits: dict[str, float | None]
    exhausted: str | None = None


class BudgetState(Payload):
    """The tree's meter after a step or a refusal: spend and limits by limit name, `exhausted` names the limit hit.

    `slice` tells the same of the `rlm_query` that the event stands in, null at the root.
    """

    type: Literal["budget"] = "budget"
    spent: dict[str, float | None]
    limits: dict[str, float | None]
    exhausted: str | None = None
    slice: SliceState | None = None


class Memory(Payload):
    """A recall or remember of persistent memory.

    `data` of recalled: query, items [{id, text, kind, trust, created_at, score}]; of what was pinned, in the run's own
    span: pinned (true), items. Of remembered: id, text, created.
    """

    type: Literal["memory"] = "memory"
    action: Literal["recalled", "remembered"]
    data: dict[str, Any] = Field(default_factory=dict)


class Log(Payload):
    """A remark of the engine: a retry, a killed cell, a lost REPL, a divergence."""

    type: Literal["log"] = "log"
    level: Literal["info", "warning", "error"]
    message: str
    data: dict[str, Any] = Field(default_factory=dict)


AnyPayload = Annotated[
    SpanStarted | SpanFinished | Message | Code | Output | Answer | BudgetState | Memory | Log,
    Field(discriminator="type"),
]
PAYLOAD: TypeAdapter[AnyPayload] = TypeAdapter(AnyPayload)


class Event(BaseModel):
    """One immutable record of a run. On the wire `type` stands beside `payload`, whose own `type` is left out."""

    model_config = ConfigDict(frozen=True)

    seq: int
    at: datetime
    span_id: str
    parent_span_id: str | None
    depth: int
    payload: AnyPayload

    @property
    def type(self) -> EventType:
        """The tag of the payload."""
        return self.payload.type
