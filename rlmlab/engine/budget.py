"""One meter for the whole tree of a run: it reserves before anything is spent (docs/architecture.md).

The root has the run's own meter; each `rlm_query` has one of its own under it, which counts in the same accounts
(`rlmlab.engine.accounts`) and stands in the same line (`rlmlab.engine.reservations`). A call that is refused marks the
account as exhausted that it did not fit into: the run's own, or that of one `rlm_query`, which then ends by itself.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

from rlmlab.engine.accounts import NOTHING, Account, Amount
from rlmlab.engine.clock import Clock
from rlmlab.engine.errors import BudgetExhausted
from rlmlab.engine.events import BudgetState, SliceState
from rlmlab.engine.providers.base import Price, TokenUsage
from rlmlab.engine.reservations import Ask, Desk, Overrun, Reservation, dearest_input_usd
from rlmlab.engine.slices import Slice, dealt
from rlmlab.engine.types import Budget, Totals

STEP_OUTPUT_TOKENS = 8192
SUB_CALL_OUTPUT_TOKENS = 4096
FALLBACK_OUTPUT_TOKENS = 2048
FALLBACK_TOKENS = 16_384  # what is held back for the fallback, at most a quarter of a limit
FALLBACK_SECONDS = 30.0  # kept for the fallback, at most a fifth of the time
FALLBACK_TIME_SHARE = 0.2
GRACE_SECONDS = 5.0  # how long a cell may go on after its budget is exhausted
DEFAULT_COST_USD = 1.0
MOST_HOST_CALLS = 20_000  # of a run's cells, beside its sub-calls; the clock of a cell stands still in each of them
BYTES_A_TOKEN = 3
TOKENS_A_MESSAGE = 8
NO_TOTALS = Totals()


def text_bound(content: str) -> int:
    """Bound the prompt tokens of one message from above: UTF-8 bytes / 3 + 8."""
    size = len(content) if content.isascii() else len(content.encode("utf-8", "surrogatepass"))
    return -(-size // BYTES_A_TOKEN) + TOKENS_A_MESSAGE


@dataclass(slots=True)
class Counts:
    """What the whole tree did so far."""

    input_tokens: int = 0
    output_tokens: int = 0
    model_calls: int = 0
    sub_calls: int = 0
    steps: int = 0
    max_depth: int = 0
    host_calls: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_known: bool = True

    @classmethod
    def of(cls, totals: Totals) -> "Counts":
        """Go on from what was counted before."""
        return cls(
            input_tokens=totals.input_tokens,
            output_tokens=totals.output_tokens,
            model_calls=totals.model_calls,
            sub_calls=totals.sub_calls,
            steps=totals.steps,
            max_depth=totals.max_depth,
            cached_tokens=totals.cached_tokens,
            cache_write_tokens=totals.cache_write_tokens,
            reasoning_tokens=totals.reasoning_tokens,
            cost_known=totals.cost_usd is not None,
        )


class Meter:
    """The budget of one run, or of one `rlm_query` and all below it: frozen limits, open reservations, real spend.

    `cost_limit_usd` None: the cost is counted, not limited. `before`: what was spent before the run was taken up again.
    `above`, `account`: those of an `rlm_query`.
    """

    def __init__(
        self,
        budget: Budget,
        clock: Clock,
        cost_limit_usd: float | None,
        before: Totals = NO_TOTALS,
        *,
        above: "Meter | None" = None,
        account: Account | None = None,
    ) -> None:
        limit_usd = math.inf if cost_limit_usd is None else cost_limit_usd
        self.budget = budget
        self.cost_limit_usd = cost_limit_usd
        self.account = account or Account(Amount(budget.max_tokens, limit_usd, budget.max_sub_calls))
        self.account.spent += Amount(
            before.input_tokens + before.output_tokens, before.cost_usd or 0.0, before.sub_calls
        )
        self.counts: Counts = Counts.of(before) if above is None else above.counts
        self._desk: Desk = Desk() if above is None else above._desk  # noqa: SLF001 - its own kind
        self._above = above
        self._clock = clock
        self._started = clock.monotonic() - before.seconds

    def _slice(self, given: Slice, account: Account) -> "Meter":
        """Make the meter of an `rlm_query`: it counts in the same accounts and stands in the same line."""
        own = {name: value for name in ("max_steps", "max_seconds") if (value := getattr(given, name)) is not None}
        costs = [limit for limit in (self.cost_limit_usd, given.max_cost_usd) if limit is not None]
        budget = replace(self.budget, **own)
        return Meter(budget, self._clock, min(costs, default=None), above=self, account=account)

    # what is left

    @property
    def spent(self) -> Amount:
        """Tell what was spent."""
        return self.account.spent

    @property
    def reserved(self) -> Amount:
        """Tell what is reserved by calls that are under way."""
        return self.account.reserved

    @property
    def held(self) -> Amount:
        """Tell what is held back for the last call."""
        return self.account.held

    @property
    def exhausted(self) -> str | None:
        """Name the limit that ended this budget, or one above it."""
        return self.account.exhausted or self.account.exhausted_above

    @property
    def used_up(self) -> bool:
        """Tell whether this budget has come to its end, and none above it."""
        return self.account.exhausted is not None and self.account.exhausted_above is None

    @property
    def exhaustion(self) -> asyncio.Event:
        """Set when this budget has come to its end."""
        return self.account.exhaustion

    @property
    def seconds(self) -> float:
        """Tell how long the run, or the `rlm_query`, has been going."""
        return self._clock.monotonic() - self._started

    @property
    def seconds_left(self) -> float:
        """Tell how long it may go on."""
        left = max(0.0, self.budget.max_seconds - self.seconds)
        return left if self._above is None else min(left, self._above.seconds_left)

    @property
    def work_seconds_left(self) -> float:
        """Tell how long the levels may work on: the last part is left for the fallback."""
        own = max(0.0, self.budget.max_seconds - self.seconds)
        own -= min(FALLBACK_SECONDS, self.budget.max_seconds * FALLBACK_TIME_SHARE)
        return max(0.0, own if self._above is None else min(own, self._above.work_seconds_left))

    @property
    def tokens_left(self) -> int:
        """Tell how many tokens nobody has spent, reserved, held or been promised."""
        return max(0, int(self.account.all_left(at_once=True).tokens))

    @property
    def cost_left_usd(self) -> float | None:
        """Tell how much money nobody has spent, reserved, held or been promised; None without a limit."""
        return None if self.cost_limit_usd is None else max(0.0, self.account.all_left(at_once=True).cost_usd)

    @property
    def sub_calls_left(self) -> int:
        """Tell how many sub-calls may still be made."""
        return max(0, int(self.account.all_left(at_once=True).sub_calls))

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
        if cost_usd is not None and price is not None and dearest_input_usd(price) > 0:
            room = min(room, math.floor(cost_usd * 0.75 / dearest_input_usd(price)))
        return math.floor(room / self._desk.ratio)

    def prompt_tokens(self, bound: int) -> int:
        """Raise a bound to the worst ratio of real to bounded tokens seen in this run."""
        return self._desk.prompt_tokens(bound)

    # reserving

    def hold_fallback(self, *prices: Price | None) -> None:
        """Hold back one call for the end, of the dearest model that may be asked, at most a quarter of what it has."""
        basis = self.account.limits if self._above is None else self.account.share
        tokens = min(basis.tokens // 4, FALLBACK_TOKENS)
        output = min(FALLBACK_OUTPUT_TOKENS, tokens)
        costs = [
            (tokens - output) * dearest_input_usd(price) + output * price.output_usd
            for price in prices
            if price is not None
        ]
        cost_usd = 0.0 if self.cost_limit_usd is None else min(basis.cost_usd / 4, max(costs, default=0.0))
        self.account.held = Amount(tokens, cost_usd)

    def release_fallback(self) -> None:
        """Give the held call back, to make it."""
        self.account.held = NOTHING

    @contextmanager
    def deal(self, slices: Sequence[Slice]) -> Iterator[list["Meter"]]:
        """Give each `rlm_query` of a batch a meter of its own for the length of a block."""
        with dealt(self.account, slices) as accounts:
            yield [self._slice(given, account) for given, account in zip(slices, accounts, strict=True)]

    def close(self) -> None:
        """Give the rest of a slice back to the level that it comes from."""
        if self._above is not None:
            self._above.account.below.discard(self.account)
            self._desk.wake()

    @asynccontextmanager
    async def reserve(self, ask: Ask) -> AsyncIterator[Reservation]:
        """Reserve a call for the length of a block; what the block does not settle comes back unused.

        Raises:
            BudgetExhausted: the call can never fit; what it did not fit into is exhausted from now on.
        """
        reservation = await self._desk.grant(ask, self.account)
        try:
            yield reservation
        finally:
            if not reservation.settled:
                self._desk.give_back(reservation)
                self._desk.wake()

    def settle(self, reservation: Reservation, usage: TokenUsage) -> Overrun | None:
        """Turn a reservation into the real spend; tells by how much the provider went beyond it."""
        cost_usd = usage.cost_usd(reservation.ask.price)
        tokens = usage.input_tokens + usage.output_tokens
        self._desk.give_back(reservation)
        self.account.spend(Amount(tokens, cost_usd or 0.0))
        self._desk.learn(reservation.ask, usage)
        self._desk.wake()
        self.counts.input_tokens += usage.input_tokens
        self.counts.output_tokens += usage.output_tokens
        self.counts.cached_tokens += usage.cached_tokens
        self.counts.cache_write_tokens += usage.cache_write_tokens
        self.counts.reasoning_tokens += usage.reasoning_tokens
        self.counts.cost_known = self.counts.cost_known and cost_usd is not None
        over = max(0, tokens - reservation.tokens)
        money = max(0.0, (cost_usd or 0.0) - reservation.cost_usd) if self.cost_limit_usd is not None else 0.0
        return Overrun(over, money) if over or money > 1e-12 else None  # noqa: PLR2004 - rounding of floats

    def take_up(self, spent: Amount) -> None:
        """Count what an `rlm_query` spent before the run was taken up again, which those above it know already.

        Its share was dealt from what was left then, so that it does not shrink by it.
        """
        self.account.spent += spent
        self.account.share += spent

    def count_sub_call(self, *, again: bool = False) -> None:
        """Count one sub-call; `again`: it was counted before the run was taken up again, and may not have been refused.

        Raises:
            BudgetExhausted: there is none left; what it did not fit into is exhausted from now on.
        """
        self.check()
        needed = 0 if again else 1
        for account, via in self.account.views():
            if account.left(via, at_once=True).sub_calls < needed:
                ended = account if via is None or account.left(None, at_once=True).sub_calls < needed else via
                raise self._desk.exhaust(ended, "max_sub_calls")
        if again:
            return
        self.account.spend(Amount(sub_calls=1))
        self.counts.sub_calls += 1

    def uncount_sub_call(self) -> None:
        """Take a sub-call back that was refused before it was made."""
        self.account.spend(Amount(sub_calls=-1))
        self.counts.sub_calls -= 1

    def count_host_call(self) -> None:
        """Count a call from a cell, whatever it asks: an endless loop of them is no work.

        Raises:
            BudgetExhausted: there were too many; the run is exhausted from now on.
        """
        run = self.account.chain[0]
        self.counts.host_calls += 1
        if self.counts.host_calls > MOST_HOST_CALLS + run.limits.sub_calls:
            raise self._desk.exhaust(run, "host_calls")

    def check(self) -> None:
        """Go on only if neither this budget nor one above it is exhausted.

        Raises:
            BudgetExhausted: one is.
        """
        self.account.check()

    def exhaust(self, limit: str) -> BudgetExhausted:
        """Mark this budget as exhausted and refuse all who wait in it; returns the error to raise."""
        return self._desk.exhaust(self.account, limit)

    async def ended(self) -> None:
        """Return when this budget has been exhausted for so long that its cell is not waited for any more."""
        await self.exhaustion.wait()
        await self._clock.sleep(GRACE_SECONDS)

    async def time_up(self, *, last_call: bool = False) -> None:
        """Return when the levels may work no longer, or when there is no time for a last call either."""
        await self._clock.sleep(self.seconds_left if last_call else self.work_seconds_left)

    # telling

    def totals(self) -> Totals:
        """Sum up what the whole run used so far."""
        run, counts = self._run, self.counts
        return Totals(
            input_tokens=counts.input_tokens,
            output_tokens=counts.output_tokens,
            cost_usd=run.spent.cost_usd if counts.cost_known else None,
            model_calls=counts.model_calls,
            sub_calls=counts.sub_calls,
            steps=counts.steps,
            max_depth=counts.max_depth,
            seconds=run.seconds,
            cached_tokens=counts.cached_tokens,
            cache_write_tokens=counts.cache_write_tokens,
            reasoning_tokens=counts.reasoning_tokens,
        )

    def state(self) -> BudgetState:
        """Tell the whole run's spend and limits as an event, and those of an `rlm_query`'s own slice."""
        run, counts = self._run, self.counts
        return BudgetState(
            spent={
                "max_tokens": run.spent.tokens,
                "max_cost_usd": run.spent.cost_usd if counts.cost_known else None,
                "max_seconds": run.seconds,
                "max_sub_calls": counts.sub_calls,
                "max_steps": counts.steps,
                "max_depth": counts.max_depth,
            },
            limits={
                "max_tokens": run.budget.max_tokens,
                "max_cost_usd": run.cost_limit_usd,
                "max_seconds": run.budget.max_seconds,
                "max_sub_calls": run.budget.max_sub_calls,
                "max_steps": run.budget.max_steps,
                "max_depth": run.budget.max_depth,
            },
            exhausted=run.account.exhausted,
            slice=None if run is self else self._slice_state(),
        )

    def _slice_state(self) -> SliceState:
        limits, spent = self.account.limits, self.spent
        named = {"max_tokens": limits.tokens, "max_cost_usd": limits.cost_usd, "max_sub_calls": limits.sub_calls}
        return SliceState(
            spent={"max_tokens": spent.tokens, "max_cost_usd": spent.cost_usd, "max_sub_calls": spent.sub_calls},
            limits={name: None if math.isinf(limit) else limit for name, limit in named.items()},
            exhausted=self.account.exhausted,
        )

    @property
    def _run(self) -> "Meter":
        """The meter of the whole run."""
        return self if self._above is None else self._above._run  # noqa: SLF001 - its own kind
