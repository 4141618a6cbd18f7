"""Asks a model, and where it fails for good, the next one of the run's list.

A run has one circuit. A model that failed for good in a way that another one may cure is skipped by all levels of the
run: for `OUTAGE_SECONDS` after an outage (unavailable, timed out, rate limited; longer where the provider says so), for
the rest of the run where waiting does not help (credentials, unknown model). When that time is over, it is asked again,
so that a short outage does not move a long run for good. Where every model is skipped, all are asked in order.

Beneath it, each endpoint has a circuit that all runs of a worker share (`rlmlab.engine.providers.breaker`): a model
whose endpoint is known to be down fails at once, and is skipped just until that circuit lets somebody try again.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from rlmlab.engine.budget import Meter
from rlmlab.engine.calls import Caller, ModelCall, Purpose, Reply
from rlmlab.engine.clock import Clock
from rlmlab.engine.conversation import Prompt
from rlmlab.engine.errors import (
    BadRequest,
    BudgetExhausted,
    EndpointDown,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
)
from rlmlab.engine.events import Log, Message
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.reservations import Reservation
from rlmlab.engine.spans import OpenSpan

OUTAGE_SECONDS = 120.0
PATIENCE = 0.5  # of the time that is left, for a model that is not the last one: time for the next one must remain
OUTAGES = (ProviderUnavailable, ProviderTimeout, RateLimited)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of `info`, or of a model in its place: `prompt` fits it to the window of the one that is asked.

    `path` is that of the first model's span; the span of the n-th of the list stands at `path`/n, whether or not those
    before it were asked, so that a path means the same model in every replay.
    """

    info: ModelInfo
    prompt: Callable[[ModelInfo], Prompt]
    purpose: Purpose
    path: str
    output_tokens: int
    held: bool = False  # the run's own fallback, which may use what was held back for it
    response_schema: Mapping[str, Any] | None = None
    optional: bool = False  # the level can do without it: its refusal exhausts nothing

    def path_of(self, number: int) -> str:
        """Name the place of the call to the `number`-th model of the list."""
        return self.path if number == 1 else f"{self.path}/{number}"

    def call(self, number: int, info: ModelInfo, *, last: bool) -> ModelCall:
        """Put the question to the model that is the `number`-th of the list; `last`: no other one is left to ask."""
        return ModelCall(
            info=info,
            prompt=self.prompt(info),
            purpose=self.purpose,
            path=self.path_of(number),
            output_tokens=self.output_tokens,
            held=self.held,
            optional=self.optional,
            fallback_for=None if number == 1 else self.info.model,
            patience=1.0 if last else PATIENCE,
            response_schema=self.response_schema,
        )


class Circuit:
    """Which models a run can ask, in which order, and which of them are skipped for now."""

    def __init__(self, fallbacks: Sequence[ModelInfo], clock: Clock) -> None:
        self._fallbacks = tuple({info.model: info for info in fallbacks}.values())
        self._clock = clock
        self._skipped_until: dict[str, float] = {}
        self._failures: Counter[str] = Counter()

    def order(self, wanted: ModelInfo) -> list[tuple[int, ModelInfo]]:
        """Return the models to ask one after the other, each with its number in the list."""
        models = self.all(wanted)
        now = self._clock.monotonic()
        return [(number, info) for number, info in models if self._skipped_until.get(info.model, now) <= now] or models

    def all(self, wanted: ModelInfo) -> list[tuple[int, ModelInfo]]:
        """Return every model that may be asked, in order."""
        others = [info for info in self._fallbacks if info.model != wanted.model]
        return list(enumerate([wanted, *others], start=1))

    def failures(self, info: ModelInfo) -> int:
        """Tell how often a model failed in this run."""
        return self._failures[info.model]

    def failed(self, info: ModelInfo, error: ProviderError) -> None:
        """Skip a model that failed from now on, for a while or for good."""
        self._failures[info.model] += 1
        wait = math.inf
        if isinstance(error, EndpointDown):  # it was not even asked, and may be as soon as its own circuit lets it
            wait = error.retry_after_seconds
        elif isinstance(error, OUTAGES):
            wait = max(OUTAGE_SECONDS, getattr(error, "retry_after_seconds", None) or 0.0)
        self._skipped_until[info.model] = self._clock.monotonic() + wait


class Asker:
    """Puts the questions of one run to its models."""

    def __init__(self, caller: Caller, circuit: Circuit) -> None:
        self._caller = caller
        self._circuit = circuit

    def under(self, meter: Meter) -> "Asker":
        """Ask for a level that has a budget of its own."""
        return Asker(self._caller.under(meter), self._circuit)

    def on_record(self, question: Question, parent: OpenSpan) -> Reply | None:
        """Return the answer to a question that was answered before the run was taken up again."""
        for number, info in self._circuit.all(question.info):
            if self._caller.has_record(question.path_of(number)):
                reply = self._caller.on_record(question.call(number, info, last=True), parent)
                if reply is not None:
                    return reply
        return None

    async def ask(self, question: Question, span: OpenSpan, first: Sequence[Message] = ()) -> Reply:
        """Return the answer to a question as it is on record, else ask; `first` is said in the span before it.

        Raises:
            ProviderError: no model could be asked that might answer; the last one's failure.
            BudgetExhausted: the call does not fit into the budget.
        """
        reply = self.on_record(question, span)
        if reply is not None:
            for message in first:
                span.say(message)
            return reply
        async with self.asking(question) as asking:
            for message in first:
                span.say(message)
            return await asking.reply(span)

    async def close_gate(self) -> None:
        """Ask nothing more; return when what was asked is answered."""
        await self._caller.gate.close()

    def lock_gate(self) -> None:
        """Cancel whoever still asks something."""
        self._caller.gate.lock()

    def asking(self, question: Question) -> "Asking":
        """Prepare a question; entering the block waits until there is room to ask it."""
        return Asking(self._caller, self._circuit, question)


class Asking:
    """One question on its way: entered when the budget and the provider have room for its first try.

    Raises:
        BudgetExhausted: on entering, the budget never will.
    """

    def __init__(self, caller: Caller, circuit: Circuit, question: Question) -> None:
        self._caller = caller
        self._circuit = circuit
        self._question = question
        self._left = circuit.order(question.info)
        self._granted = AsyncExitStack()
        self._call: ModelCall
        self._reservation: Reservation

    async def __aenter__(self) -> Self:
        await self._take_next()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._granted.aclose()

    async def reply(self, parent: OpenSpan) -> Reply:
        """Ask until a model answers; what was reserved is free again when this returns.

        Raises:
            ProviderError: no model could be asked that might answer; the last one's failure.
            BudgetExhausted: `made`, for the next model does not fit into the budget.
        """
        while True:
            try:
                return await self._caller.make(self._call, self._reservation, parent)
            except BadRequest:
                raise
            except ProviderError as error:
                self._circuit.failed(self._call.info, error)
                if not self._left:
                    raise
                parent.emit(_fallback(self._call.info, self._left[0][1], error))
            finally:
                await self._granted.aclose()
            try:
                await self._take_next()
            except BudgetExhausted as refusal:
                refusal.made = True
                raise

    async def _take_next(self) -> None:
        """Wait until there is room to ask the next model, at its own price; pass over one that failed meanwhile."""
        while True:
            number, info = self._left.pop(0)
            failures = self._circuit.failures(info)
            self._call = self._question.call(number, info, last=not self._left)
            self._reservation = await self._granted.enter_async_context(self._caller.granted(self._call))
            if not self._left or self._circuit.failures(info) == failures:
                return
            await self._granted.aclose()


def _fallback(failed: ModelInfo, following: ModelInfo, error: ProviderError) -> Log:
    """Tell that another model is asked, and why."""
    return Log(
        level="warning",
        message=f"{failed.model} failed, {following.model} is asked instead: {error}",
        data={
            "code": "fallback",
            "from": failed.model,
            "to": following.model,
            "reason": str(error),
            "failure": error.code,
        },
    )
