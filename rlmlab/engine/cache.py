"""Answers of plain sub-calls that an organization has paid for already (docs/adr/0015-what-a-cached-answer-is.md).

The key covers all that an answer follows from, and how often the run has asked the same before: a program that asks
one question five times, to vote over the answers, gets five answers, and another run gets the same five.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rlmlab.engine.budget import SUB_CALL_OUTPUT_TOKENS
from rlmlab.engine.projection import add_cost
from rlmlab.engine.prompts import plain
from rlmlab.engine.spans import OpenSpan
from sandbox.base import JSON

FORM = 1
"""Goes up when the same key would mean another question."""


@dataclass(frozen=True, slots=True)
class PaidAnswer:
    """An answer, what it cost, and which span of which run paid for it; `cost_usd` None: a price was not known."""

    key: str
    model: str
    answer: JSON
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    run_id: str
    span_id: str


class SubCallCache(Protocol):
    """Finds and keeps answers of one organization; what it cannot do at the moment, it does not."""

    def endpoint(self, model: str) -> str:
        """Name where a model is served: the same name elsewhere may be another model."""
        ...

    async def find(self, key: str) -> PaidAnswer | None:
        """Return the answer to a question that was paid for; None also where the store cannot be reached."""
        ...

    def keep(self, answer: PaidAnswer) -> None:
        """Keep an answer, some time soon; nobody waits for it."""
        ...


class Answers:
    """One run's way to the cache; without a `port` there is none."""

    def __init__(self, port: SubCallCache | None = None, seed: int | None = None) -> None:
        self._port = port
        self._seed = seed
        self._asked: Counter[str] = Counter()

    def key(self, model: str, prompt: str, options: Mapping[str, Any]) -> str:
        """Name a question; to be called once for each, in program order. Empty: it is not to be looked for."""
        if self._port is None:
            return ""
        parts = [FORM, self._port.endpoint(model), model, plain.SYSTEM, prompt, SUB_CALL_OUTPUT_TOKENS, self._seed]
        question = _hash([*parts, dict(options)])
        self._asked[question] += 1
        return _hash([question, self._asked[question]])

    async def find(self, key: str, span: OpenSpan) -> PaidAnswer | None:
        """Look for an answer, and note in its span who paid for what is found."""
        if not key or self._port is None or not span.fresh:  # what it began before is gone on with
            return None
        found = await self._port.find(key)
        if found is not None:
            paid = {"run": found.run_id, "span": found.span_id, "saved_usd": found.cost_usd}
            tokens = {"input_tokens": found.input_tokens, "output_tokens": found.output_tokens}
            span.data = {**span.data, "cached": {**paid, **tokens}}
        return found

    def keep(self, key: str, model: str, span: OpenSpan) -> None:
        """Keep what a sub-call was answered whose end is durable: whole, and by the model that was asked."""
        if not key or self._port is None or not span.paid or not span.paid[-1].whole:
            return
        if any(call.model != model for call in span.paid):
            return
        cost_usd: float | None = 0.0
        for call in span.paid:
            cost_usd = add_cost(cost_usd, call.usage.cost_usd)
        self._port.keep(
            PaidAnswer(
                key=key,
                model=model,
                answer=span.result,
                input_tokens=sum(call.usage.input_tokens for call in span.paid),
                output_tokens=sum(call.usage.output_tokens for call in span.paid),
                cost_usd=cost_usd,
                run_id=str(span.stream.run_id),
                span_id=span.span_id,
            )
        )


def _hash(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()
