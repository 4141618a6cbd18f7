"""Events and spans as the API shows them."""

from datetime import datetime
from typing import Annotated, Any, Final, Self, get_args

from ninja import Field, Schema
from pydantic import StringConstraints, WithJsonSchema

from rlmlab.api.schemas.runs import RunOut
from rlmlab.api.schemas.tokens import TokenBuckets
from rlmlab.engine.events import EventType
from rlmlab.errors import Invalid
from trajectories.models import Span

MOST_SPANS: Final = 100
SpanId = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,32}$")]
Payload = Annotated[Any, WithJsonSchema({"type": "object", "description": "By type; see docs/architecture.md."})]


class Which(Schema):
    """Which events of a run a list is to have."""

    after: int = Field(0, ge=0, le=2**63 - 1, description="Start behind this number of an event.")
    span: list[SpanId] = Field(default_factory=list, max_length=MOST_SPANS, description="Those of these spans alone.")
    type: EventType | None = Field(None, description="Those of this type alone.")

    def refuse_choice(self) -> None:
        """Refuse to choose where all events are sent.

        Raises:
            Invalid: spans or a type were asked for.
        """
        for name in ("span", "type"):
            if getattr(self, name):
                raise Invalid.field(name, "A stream has all events.")


class EventOut(Schema):
    """One immutable record of a run; the payload is passed on as it is stored."""

    seq: int
    at: datetime
    span_id: str
    parent_span_id: str | None
    depth: int
    type: Annotated[str, WithJsonSchema({"type": "string", "enum": list(get_args(EventType))})]
    payload: Payload


class SpanOut(Schema):
    """A nested interval of a run; tokens and cost are sums over it and everything below.

    `input_tokens` has what was cached, `output_tokens` what was reasoned; `tokens` tells them apart.
    `path` is its call path; of several attempts at one, as after a worker was lost, the last counts.
    """

    span_id: str
    parent_span_id: str | None
    kind: str
    name: str
    path: str
    attempt: int
    depth: int
    status: str
    started_at: datetime
    seconds: float | None
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    preview: str
    tokens: TokenBuckets

    @classmethod
    def of(cls, span: Span) -> Self:
        """Show a span."""
        apart: dict[str, Any] = {"parent_span_id": span.parent_span_id or None, "tokens": TokenBuckets.of(span)}
        return cls(**{name: getattr(span, name) for name in cls.model_fields if name not in apart}, **apart)


class RunDocument(Schema):
    """A run with all its spans and events, in their order."""

    run: RunOut
    spans: list[SpanOut]
    events: list[EventOut]
