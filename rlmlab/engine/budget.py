"""One meter for the whole tree of a run: it reserves before anything is spent (docs/architecture.md).

A call reserves the upper bound of what it can cost. One that would fit but for open reservations waits for them, in
order; one that would not fit if all of them came back unused is refused, never made, and marks the run as exhausted. On
return the reservation becomes the real spend. Everything here runs in one event loop: nothing between two awaits is
raced.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rlmlab.engine.clock import Clock
from rlmlab.engine.errors import BudgetExhausted
from rlmlab.engine.events import BudgetState
from rlmlab.engine.providers.base import Price, TokenUsage
from rlmlab.engine.types import Budget, Totals

STEP_OUTPUT_TOKENS = 8192
SUB_CALL_OUTPUT_TOKENS = 4096
FALLBACK_OUTPUT_TOKENS = 2048
FALLBACK_TOKENS = 16_384  # what is held back for the fallback, at most a quarter of a limit
FALLBACK_SECONDS = 30.0  # kept for the fallback, at most a fifth of the time
FALLBACK_TIME_SHARE = 0.2
LEAST_OUTPUT_TOKENS = 16  # a reply shorter than this is not worth its prompt
DEFAULT_COST_USD = 1.0
MOST_HOST_CALLS = 20_000  # of a run's cells, beside its sub-calls; the clock of a cell stands still in each of them
BYTES_A_TOKEN = 3
TOKENS_A_MESSAGE = 8
NOTHING = Totals()


def text_bound(content: str) -> int:
    """Bound the prompt tokens of one message from above: UTF-8 bytes / 3 + 8."""
    size = len(content) if content.isascii() else len(content.encode("utf-8", "surrogatepass"))
    return -(-size // BYTES_A_TOKEN) + TOKENS_A_MESSAGE


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that wants to be made: `prompt_bound` as of `text_bound`, `output_tokens` the most it may write."""

    prompt_bound: int
    output_tokens: int
    price: Price | None
    fallback: bool = False


@dataclass(slots=True)
class Reservation:
    """A granted call: `max_tokens` of output, and what stays reserved until it is settled."""

    ask: Ask
    max_tokens: int
    tokens: int
    cost_usd: float
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Overrun:
    """A provider reported more than the reserved upper bound."""

    tokens: int
    cost_usd: float


@dataclass(slots=True)
class Spend:
    """What was spent or is held, by kind."""

    tokens: int = 0
    cost_usd: float = 0.0

    def add(self, tokens: int, cost_usd: float) -> None:
        """Add, or with negative amounts give back."""
        self.tokens += tokens
        self.cost_usd += cost_usd


@dataclass(slots=True)
class _Counts:
    input_tokens: int = 0
    output_tokens: int = 0
    model_calls: int = 0
    sub_calls: int = 0
    host_calls: int = 0
    steps: int = 0
    max_depth: int = 0
    cost_known: bool = True


def _counted(before: Totals) -> _Counts:
    """Go on counting from what was used before."""
    return _Counts(
        input_tokens=before.input_tokens,
        output_tokens=before.output_tokens,
        model_calls=before.model_calls,
        sub_calls=before.sub_calls,
        steps=before.steps,
        max_depth=before.max_depth,
        cost_known=before.cost_usd is not None,
    )


@dataclass(slots=True)
class _Waiting:
    ask: Ask
    granted: "asyncio.Future[Reservation]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Meter:
    """The budget of one run: frozen limits, open reservations, real spend.

    `cost_limit_usd` None: the cost is counted, not limited. `before`: what was used before the run was taken up again.
    """

    def __init__(self, budget: Budget, clock: Clock, cost_limit_usd: float | None, before: Totals = NOTHING) -> None:
        self.budget = budget
        self.cost_limit_usd = cost_limit_usd
        self.counts = _counted(before)
        self.spent = Spend(before.input_tokens + before.output_tokens, before.cost_usd or 0.0)
        self._seconds_before = before.seconds
        self.reserved = Spend()
        self.held = Spend()
        self.exhausted: str | None = None
        self.exhaustion = asyncio.Event()
        self._ratio = 1.0
        self._queue: deque[_Waiting] = deque()
        self._clock = clock
        self._started = clock.monotonic()

    # what is left

    @property
    def seconds(self) -> float:
        """Tell how long the run has been going."""
        return self._seconds_before + self._clock.monotonic() - self._started

    @property
    def seconds_left(self) -> float:
        """Tell how long it may go on."""
        return max(0.0, self.budget.max_seconds - self.seconds)

    @property
    def tokens_left(self) -> int:
        """Tell how many tokens nobody has spent, reserved or held."""
        return max(0, self.budget.max_tokens - self.spent.tokens - self.reserved.tokens - self.held.tokens)

    @property
    def cost_left_usd(self) -> float | None:
        """Tell how much money nobody has spent, reserved or held; None without a limit."""
        if self.cost_limit_usd is None:
            return None
        return max(0.0, self.cost_limit_usd - self.spent.cost_usd - self.reserved.cost_usd - self.held.cost_usd)

    @property
    def sub_calls_left(self) -> int:
        """Tell how many sub-calls may still be made."""
        return max(0, self.budget.max_sub_calls - self.counts.sub_calls)

    @property
    def work_seconds_left(self) -> float:
        """Tell how long the levels may work on: the last part is left for the fallback."""
        return max(0.0, self.seconds_left - min(FALLBACK_SECONDS, self.budget.max_seconds * FALLBACK_TIME_SHARE))

    def left(self, *, step: int, depth: int) -> dict[str, float | None]:
        """Tell what is left at a step of a level; `cost_usd` None: the cost is not limited."""
        return {
            "tokens": self.tokens_left,
            "cost_usd": self.cost_left_usd,
            "sub_calls": self.sub_calls_left,
            "steps": self.budget.max_steps - step,
            "seconds": round(self.work_seconds_left, 1),
            "depth": max(0, self.budget.max_depth - depth),
        }

    def room(self, price: Price | None) -> int:
        """Bound the prompt, in tokens of `text_bound`, of a last call that leaves itself room to answer."""
        room = self.tokens_left - min(FALLBACK_OUTPUT_TOKENS, self.tokens_left // 4)
        cost_usd = self.cost_left_usd
        if cost_usd is not None and price is not None and _input_usd(price) > 0:
            room = min(room, math.floor(cost_usd * 0.75 / _input_usd(price)))
        return math.floor(room / self._ratio)

    def prompt_tokens(self, bound: int) -> int:
        """Raise a bound to the worst ratio of real to bounded tokens seen in this run."""
        return math.ceil(bound * self._ratio)

    # reserving

    def hold_fallback(self, *prices: Price | None) -> None:
        """Hold back one call for the end, of the dearest model that may be asked, at most a quarter of the limits."""
        self.held.tokens = min(self.budget.max_tokens // 4, FALLBACK_TOKENS)
        if self.cost_limit_usd is not None:
            output = min(FALLBACK_OUTPUT_TOKENS, self.held.tokens)
            prompt = self.held.tokens - output
            costs = [prompt * _input_usd(price) + output * price.output_usd for price in prices if price is not None]
            self.held.cost_usd = min(self.cost_limit_usd / 4, max(costs, default=0.0))

    def release_fallback(self) -> None:
        """Give the held call back, to make it."""
        self.held = Spend()

    @asynccontextmanager
    async def reserve(self, ask: Ask) -> AsyncIterator[Reservation]:
        """Reserve a call for the length of a block; what the block does not settle comes back unused.

        Raises:
            BudgetExhausted: the call can never fit; the run is exhausted from now on.
        """
        reservation = await self._grant(ask)
        try:
            yield reservation
        finally:
            if not reservation.settled:
                self._return(reservation)
                self._wake()

    def settle(self, reservation: Reservation, usage: TokenUsage) -> Overrun | None:
        """Turn a reservation into the real spend; tells by how much the provider went beyond it."""
        ask = reservation.ask
        cost_usd = usage.cost_usd(ask.price)
        self._return(reservation)
        reservation.settled = True
        self.spent.add(usage.input_tokens + usage.output_tokens, cost_usd or 0.0)
        self.counts.input_tokens += usage.input_tokens
        self.counts.output_tokens += usage.output_tokens
        self.counts.cost_known = self.counts.cost_known and cost_usd is not None
        if not usage.estimated and ask.prompt_bound > 0:
            self._ratio = max(self._ratio, usage.input_tokens / ask.prompt_bound)
        self._wake()
        tokens = max(0, usage.input_tokens + usage.output_tokens - reservation.tokens)
        money = max(0.0, (cost_usd or 0.0) - reservation.cost_usd) if self.cost_limit_usd is not None else 0.0
        return Overrun(tokens, money) if tokens or money > 1e-12 else None  # noqa: PLR2004 - rounding of floats

    def count_sub_call(self) -> None:
        """Count one sub-call.

        Raises:
            BudgetExhausted: there is none left; the run is exhausted from now on.
        """
        self.check()
        if self.sub_calls_left < 1:
            raise self.exhaust("max_sub_calls")
        self.counts.sub_calls += 1

    def count_host_call(self) -> None:
        """Count a call from a cell, whatever it asks: an endless loop of them is no work.

        Raises:
            BudgetExhausted: there were too many; the run is exhausted from now on.
        """
        self.counts.host_calls += 1
        if self.counts.host_calls > MOST_HOST_CALLS + self.budget.max_sub_calls:
            raise self.exhaust("host_calls")

    def check(self) -> None:
        """Go on only if the run is not exhausted.

        Raises:
            BudgetExhausted: it is.
        """
        if self.exhausted is not None:
            raise self._refusal(self.exhausted)

    def exhaust(self, limit: str) -> BudgetExhausted:
        """Mark the run as exhausted and refuse all who wait; returns the error to raise."""
        if self.exhausted is None:
            self.exhausted = limit
            self.exhaustion.set()
        while self._queue:
            waiting = self._queue.popleft()
            if not waiting.granted.done():
                waiting.granted.set_exception(self._refusal(limit))
        return self._refusal(limit)

    # telling

    def totals(self) -> Totals:
        """Sum up what the run used so far."""
        counts = self.counts
        return Totals(
            input_tokens=counts.input_tokens,
            output_tokens=counts.output_tokens,
            cost_usd=self.spent.cost_usd if counts.cost_known else None,
            model_calls=counts.model_calls,
            sub_calls=counts.sub_calls,
            steps=counts.steps,
            max_depth=counts.max_depth,
            seconds=self.seconds,
        )

    def state(self) -> BudgetState:
        """Tell spend and limits as an event."""
        counts, budget = self.counts, self.budget
        return BudgetState(
            spent={
                "max_tokens": self.spent.tokens,
                "max_cost_usd": self.spent.cost_usd if counts.cost_known else None,
                "max_seconds": self.seconds,
                "max_sub_calls": counts.sub_calls,
                "max_steps": counts.steps,
                "max_depth": counts.max_depth,
            },
            limits={
                "max_tokens": budget.max_tokens,
                "max_cost_usd": self.cost_limit_usd,
                "max_seconds": budget.max_seconds,
                "max_sub_calls": budget.max_sub_calls,
                "max_steps": budget.max_steps,
                "max_depth": budget.max_depth,
            },
            exhausted=self.exhausted,
        )

    # inside

    async def _grant(self, ask: Ask) -> Reservation:
        """Reserve now, or wait in line for those before."""
        if not ask.fallback:
            self.check()
        if not self._queue and (reservation := self._try(ask)) is not None:
            return reservation
        waiting = _Waiting(ask)
        self._queue.append(waiting)
        try:
            return await waiting.granted
        except asyncio.CancelledError:
            if waiting.granted.done() and not waiting.granted.cancelled() and waiting.granted.exception() is None:
                self._return(waiting.granted.result())
            self._wake()
            raise

    def _try(self, ask: Ask) -> Reservation | None:
        """Reserve if it fits now; None if it must wait.

        Raises:
            BudgetExhausted: it can never fit.
        """
        prompt = self.prompt_tokens(ask.prompt_bound)
        tokens_free = self.budget.max_tokens - self.spent.tokens - self.held.tokens
        output = min(ask.output_tokens, tokens_free - prompt)
        least = min(LEAST_OUTPUT_TOKENS, ask.output_tokens)
        if output < least:
            raise self._refuse(ask, "max_tokens")
        price = ask.price if self.cost_limit_usd is not None else None
        money_free = (self.cost_limit_usd or 0.0) - self.spent.cost_usd - self.held.cost_usd
        if price is not None:
            output = min(output, _affordable(money_free - prompt * _input_usd(price), price.output_usd, output))
            if output < least:
                raise self._refuse(ask, "max_cost_usd")
        cost = 0.0 if price is None else prompt * _input_usd(price) + output * price.output_usd
        if prompt + output > tokens_free - self.reserved.tokens:
            return None
        if price is not None and self.reserved.cost_usd > 0 and cost > money_free - self.reserved.cost_usd:
            return None
        self.reserved.add(prompt + output, cost)
        return Reservation(ask, output, prompt + output, cost)

    def _return(self, reservation: Reservation) -> None:
        self.reserved.add(-reservation.tokens, -reservation.cost_usd)
        if self.reserved.tokens == 0:
            self.reserved.cost_usd = 0.0  # what rounding left

    def _wake(self) -> None:
        """Grant or refuse those who wait, in order, until one must wait on."""
        while self._queue:
            waiting = self._queue[0]
            if not waiting.granted.done():
                try:
                    reservation = self._try(waiting.ask)
                except BudgetExhausted as error:
                    if not waiting.granted.done():
                        waiting.granted.set_exception(error)
                else:
                    if reservation is None:
                        return
                    waiting.granted.set_result(reservation)
            if self._queue and self._queue[0] is waiting:
                self._queue.popleft()

    def _refuse(self, ask: Ask, limit: str) -> BudgetExhausted:
        """Refuse a call; that of the fallback leaves the reason the run was stopped for as it is."""
        return self._refusal(limit) if ask.fallback else self.exhaust(limit)

    def _refusal(self, limit: str) -> BudgetExhausted:
        return BudgetExhausted(limit, f"The run's budget does not allow this call: {limit} is reached")


def _input_usd(price: Price) -> float:
    """Price a prompt token at its dearest."""
    return max(price.input_usd, price.cached_input_usd or 0.0)


def _affordable(money: float, output_usd: float, wanted: int) -> int:
    """Tell how many output tokens the money buys, at most as many as wanted."""
    if money < 0:
        return 0
    if output_usd <= 0 or money >= wanted * output_usd:
        return wanted
    return math.floor(money / output_usd)
