"""What a run answers as a chat completion, whole or in chunks."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from ninja import Schema
from pydantic import Field, WithJsonSchema

from trajectories.models import Run
from trajectories.models.runs import FinishReason

PIECE_CHARACTERS: Final = 4000
Nothing = Annotated[None, WithJsonSchema({"type": "null"})]


class PromptDetails(Schema):
    """Of the prompts' tokens, those read from a provider's cache."""

    cached_tokens: int
    audio_tokens: int = 0


class CompletionDetails(Schema):
    """Of the completions' tokens, those of reasoning."""

    reasoning_tokens: int
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class CompletionUsage(Schema):
    """The tokens of the whole run: all its steps, sub-calls and what they called in turn."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails

    @classmethod
    def of(cls, run: Run) -> Self:
        """Sum up a run."""
        return cls(
            prompt_tokens=run.input_tokens,
            completion_tokens=run.output_tokens,
            total_tokens=run.input_tokens + run.output_tokens,
            prompt_tokens_details=PromptDetails(cached_tokens=run.cached_tokens),
            completion_tokens_details=CompletionDetails(reasoning_tokens=run.reasoning_tokens),
        )


class AnswerMessage(Schema):
    """The answer: a text as it is, any other value as JSON."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: Nothing = None


class Choice(Schema):
    """The one answer; `length`: limits ended the run, and this is the best it had by then."""

    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: Nothing = None
    finish_reason: Literal["stop", "length"]


class RlmOut(Schema):
    """The run behind an answer; `cost_usd` null: a price is unknown."""

    run: UUID
    finish_reason: str
    cost_usd: float | None
    seconds: float
    steps: int
    sub_calls: int

    @classmethod
    def of(cls, run: Run) -> Self:
        """Show a run that has ended."""
        values = {name: getattr(run, name) for name in cls.model_fields if name != "run"}
        return cls(run=run.id, **values)


class Completion(Schema):
    """A run's answer as a chat completion."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: CompletionUsage
    system_fingerprint: Nothing = None
    service_tier: Nothing = None
    rlm: RlmOut = Field(description="Beyond OpenAI's form.")

    @classmethod
    def of(cls, run: Run, model: str) -> Self:
        """Show the answer of a run that has succeeded."""
        return cls(
            id=completion_id(run),
            created=int(run.created_at.timestamp()),
            model=model,
            choices=[Choice(message=AnswerMessage(content=content_of(run)), finish_reason=reason_of(run))],
            usage=CompletionUsage.of(run),
            rlm=RlmOut.of(run),
        )


class Chunks:
    """Writes the chunks of one answer as server-sent events; with usage asked for, all others say `usage: null`."""

    def __init__(self, run: Run, model: str, *, with_usage: bool) -> None:
        self._same: dict[str, Any] = {
            "id": completion_id(run),
            "object": "chat.completion.chunk",
            "created": int(run.created_at.timestamp()),
            "model": model,
            "system_fingerprint": None,
        }
        self._with_usage = with_usage

    def head(self) -> str:
        """Begin the message."""
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def progress(self, text: str) -> str:
        """Tell what the run is doing, where UIs show what a model thinks."""
        return self._chunk({"reasoning_content": text})

    def answer(self, run: Run) -> Iterator[str]:
        """Yield the answer of a run that has succeeded, to the last line."""
        content = content_of(run)
        for start in range(0, len(content), PIECE_CHARACTERS):
            yield self._chunk({"content": content[start : start + PIECE_CHARACTERS]})
        yield self._chunk({}, finish_reason=reason_of(run))
        if self._with_usage:
            usage, about = CompletionUsage.of(run).model_dump(), RlmOut.of(run).model_dump(mode="json")
            yield event(self._same | {"choices": [], "usage": usage, "rlm": about})
        yield "data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event(self._same | {"choices": [choice]} | ({"usage": None} if self._with_usage else {}))


def event(document: dict[str, Any]) -> str:
    """Write a JSON document as a server-sent event."""
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n"


def completion_id(run: Run) -> str:
    """Name a run's answer."""
    return f"chatcmpl-{run.id.hex}"


def content_of(run: Run) -> str:
    """Return a run's answer as a text."""
    return run.answer if isinstance(run.answer, str) else json.dumps(run.answer, ensure_ascii=False)


def reason_of(run: Run) -> Literal["stop", "length"]:
    """Say why an answer ends where it does."""
    return "length" if run.finish_reason == FinishReason.FALLBACK else "stop"
