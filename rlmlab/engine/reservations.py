"""Grants calls their room in the accounts of one run.

A call reserves the upper bound of what it can cost. One that would fit but for open reservations waits for them, in
order; one that would not fit if all of them came back unused is refused and never made. Everything here runs in one
event loop: nothing between two awaits is raced.
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field

from rlmlab.engine.accounts import Account, Amount
from rlmlab.engine.errors import BudgetExhausted
from rlmlab.engine.providers.base import Price, TokenUsage

LEAST_OUTPUT_TOKENS = 16  # a reply shorter than this is not worth its prompt


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that wants to be made: `prompt_bound` as of `text_bound`, `output_tokens` the most it may write.

    `fallback`: a level's last call, which may be made though its account is exhausted. `optional`: one that the level
    can do without, so that its refusal exhausts nothing.
    """

    prompt_bound: int
    output_tokens: int
    price: Price | None
    fallback: bool = False
    optional: bool = False


@dataclass(slots=True)
class Reservation:
    """A granted call: `max_tokens` of output, and what stays reserved until it is settled."""

    ask: Ask
    account: Account
    prompt_tokens: int
    max_tokens: int
    cost_usd: float
    settled: bool = False

    @property
    def tokens(self) -> int:
        """Tell how many tokens are reserved."""
        return self.prompt_tokens + self.max_tokens

    @property
    def amount(self) -> Amount:
        """What is reserved."""
        return Amount(self.tokens, self.cost_usd)


@dataclass(frozen=True, slots=True)
class Overrun:
    """A provider reported more than the reserved upper bound."""

    tokens: int
    cost_usd: float


@dataclass(slots=True)
class _Waiting:
    ask: Ask
    account: Account
    granted: "asyncio.Future[Reservation]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Desk:
    """Where the calls of one run reserve, and wait in line."""

    def __init__(self) -> None:
        self._ratio = 1.0
        self._queue: deque[_Waiting] = deque()

    @property
    def ratio(self) -> float:
        """The worst ratio of real to bounded prompt tokens seen in this run."""
        return self._ratio

    def prompt_tokens(self, bound: int) -> int:
        """Raise a bound to the worst ratio seen."""
        return math.ceil(bound * self._ratio)

    async def grant(self, ask: Ask, account: Account) -> Reservation:
        """Reserve now, or wait in line for those before.

        Raises:
            BudgetExhausted: the call can never fit.
        """
        account.check(last_call=ask.fallback)
        waiting = _Waiting(ask, account)
        self._queue.append(waiting)
        self.wake()
        try:
            return await waiting.granted
        except asyncio.CancelledError:
            if waiting.granted.done() and not waiting.granted.cancelled() and waiting.granted.exception() is None:
                self.give_back(waiting.granted.result())
            self.wake()
            raise

    def give_back(self, reservation: Reservation) -> None:
        """Take a reservation back, used or not."""
        reservation.account.give_back(reservation.amount)
        reservation.settled = True

    def learn(self, ask: Ask, usage: TokenUsage) -> None:
        """Raise later bounds to the worst ratio seen."""
        if not usage.estimated and ask.prompt_bound > 0:
            self._ratio = max(self._ratio, usage.input_tokens / ask.prompt_bound)

    def exhaust(self, account: Account, limit: str) -> BudgetExhausted:
        """End an account and refuse all who wait in it; returns the error to raise."""
        if account.exhausted is None:
            account.exhausted = limit
            account.exhaustion.set()
        for waiting in self._queue:
            own_last_call = waiting.ask.fallback and waiting.account is account
            if account in waiting.account.chain and not waiting.granted.done() and not own_last_call:
                waiting.granted.set_exception(account.refusal(limit))
        return account.refusal(limit)

    def wake(self) -> None:
        """Grant or refuse those who wait, in order; who waits for an account lets nobody pass who needs it too."""
        full: set[Account] = set()
        for waiting in tuple(self._queue):
            if waiting.granted.done() or not full.isdisjoint(waiting.account.chain):
                continue
            try:
                found = self._try(waiting)
            except BudgetExhausted as error:
                if not waiting.granted.done():
                    waiting.granted.set_exception(error)
                continue
            if isinstance(found, Account):
                full.add(found)
            else:
                waiting.granted.set_result(found)
        self._queue = deque(waiting for waiting in self._queue if not waiting.granted.done())

    def _try(self, waiting: _Waiting) -> Reservation | Account:
        """Reserve if it fits now; else return the account that it must wait for.

        Raises:
            BudgetExhausted: it can never fit.
        """
        ask, account = waiting.ask, waiting.account
        price = ask.price or Price(0.0, 0.0)
        prompt = self.prompt_tokens(ask.prompt_bound)
        prompt_usd = prompt * dearest_input_usd(price)
        output: float = ask.output_tokens
        least = min(LEAST_OUTPUT_TOKENS, output)
        for above, via in account.views():
            left = above.left(via, at_once=False)
            for limit, most in (
                ("max_tokens", left.tokens - prompt),
                ("max_cost_usd", affordable(left.cost_usd - prompt_usd, price.output_usd)),
            ):
                output = min(output, most)
                if output < least:
                    raise self._refuse(ask, via or above, limit)
        reservation = Reservation(ask, account, prompt, int(output), prompt_usd + int(output) * price.output_usd)
        for above, via in account.views():
            now = above.left(via, at_once=True)
            if reservation.tokens > now.tokens:
                return above
            if above.reserved.cost_usd > 0 and reservation.cost_usd > now.cost_usd:
                return above
        account.reserve(reservation.amount)
        return reservation

    def _refuse(self, ask: Ask, account: Account, limit: str) -> BudgetExhausted:
        """Refuse a call; a last call leaves the reason the account ended for as it is."""
        return account.refusal(limit) if ask.fallback or ask.optional else self.exhaust(account, limit)


def dearest_input_usd(price: Price) -> float:
    """Price a prompt token at its dearest: fresh, read from the provider's cache or written to it."""
    return max(price.input_usd, price.cached_input_usd or 0.0, price.cache_write_usd or 0.0)


def affordable(money: float, output_usd: float) -> float:
    """Tell how many output tokens the money buys."""
    if money < 0:
        return -1
    return math.inf if output_usd <= 0 or math.isinf(money) else math.floor(money / output_usd)
