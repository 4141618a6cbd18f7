"""However a tree spends: no limit is ever passed, and what is reserved comes back (Claessen & Hughes, QuickCheck)."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlmlab.engine.accounts import NOTHING, Account
from rlmlab.engine.budget import Meter
from rlmlab.engine.clock import SystemClock
from rlmlab.engine.errors import BudgetExhausted
from rlmlab.engine.providers.base import Price, TokenUsage
from rlmlab.engine.reservations import Ask
from rlmlab.engine.slices import Slice
from rlmlab.engine.types import Budget

ROUNDING = 1e-9
PRICES = (
    Price(1e-5, 1e-4),
    Price(1e-5, 1e-4, 1e-6, 1.25e-5),
    Price(2e-6, 8e-6, 5e-6, 4e-6),
    Price(0.0, 0.0),
    Price(0.0, 3e-5, cache_write_usd=1e-5),
)
ENDS = ("settle", "settle", "settle", "fail", "retry", "cancel")


@dataclass(frozen=True)
class Call:
    """One model call: what it asks for, and how much of it is really used."""

    prompt: int
    output: int
    price: Price | None
    used: float
    cached: float
    written: float
    turns: int
    end: str

    def usage(self, prompt_tokens: int, max_tokens: int) -> TokenUsage:
        """Report at most what was reserved."""
        sent = int(prompt_tokens * self.used)
        cached = int(sent * self.cached)
        return TokenUsage(
            sent, int(max_tokens * self.used), cached, cache_write_tokens=int((sent - cached) * self.written)
        )


@dataclass(frozen=True)
class Node:
    """A level: calls one after the other, and after them a batch of levels below it."""

    calls: tuple[Call, ...]
    given: Slice
    below: tuple["Node", ...] = ()


def calls(prices: tuple[Price | None, ...]) -> st.SearchStrategy[Call]:
    share = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)
    return st.builds(
        Call,
        prompt=st.integers(8, 3_000),
        output=st.integers(1, 4_096),
        price=st.sampled_from(prices),
        used=share,
        cached=share,
        written=share,
        turns=st.integers(0, 3),
        end=st.sampled_from(ENDS),
    )


def slices(*, priced: bool) -> st.SearchStrategy[Slice]:
    none = st.none()
    return st.builds(
        Slice,
        max_tokens=none | st.integers(1, 10_000),
        max_cost_usd=none | st.floats(0, 0.1) if priced else none,
        max_sub_calls=none | st.integers(0, 4),
    )


def trees(prices: tuple[Price | None, ...]) -> st.SearchStrategy[Node]:
    own = {"calls": st.lists(calls(prices), max_size=4).map(tuple), "given": slices(priced=None not in prices)}
    return st.recursive(
        st.builds(Node, **own),
        lambda below: st.builds(Node, **own, below=st.lists(below, max_size=4).map(tuple)),
        max_leaves=10,
    )


PRICED = st.tuples(trees(PRICES), st.floats(0, 0.5) | st.none())
UNPRICED = st.tuples(trees((*PRICES, None)), st.none())


@dataclass
class World:
    """A run of the meter alone: every account that was opened, and what the model server says it was paid for."""

    meter: Meter
    accounts: list[Account] = field(default_factory=list)
    reported: list[tuple[TokenUsage, Price | None]] = field(default_factory=list)

    def check(self) -> None:
        """Hold every account against its limits, with what is under way."""
        for account in self.accounts:
            used = account.spent + account.reserved
            assert used.tokens <= account.limits.tokens
            assert used.cost_usd <= account.limits.cost_usd + ROUNDING
            assert used.sub_calls <= account.limits.sub_calls
            assert min(used.tokens, account.reserved.tokens, account.reserved.cost_usd) >= 0

    async def level(self, meter: Meter, node: Node) -> None:
        """Work a level and all below it; a refusal ends it."""
        self.accounts.append(meter.account)
        meter.hold_fallback(*PRICES)
        try:
            for call in node.calls:
                await self.call(meter, call)
            with meter.deal([below.given for below in node.below]) as meters:
                await asyncio.gather(*(self.child(meter, *each) for each in zip(meters, node.below, strict=True)))
        except BudgetExhausted:
            if not meter.used_up:
                raise
        meter.release_fallback()
        self.check()

    async def child(self, above: Meter, meter: Meter, node: Node) -> None:
        """Work a level below another, as a sub-call of that."""
        try:
            above.count_sub_call()
            await self.level(meter, node)
        except BudgetExhausted:
            assert meter.exhausted is not None or above.exhausted is not None
        finally:
            meter.close()

    async def call(self, meter: Meter, call: Call) -> None:
        """Make one call; one that is retried reserves once and is paid once."""
        task = asyncio.ensure_future(self._made(meter, call))
        if call.end == "cancel":
            for _ in range(call.turns):
                await asyncio.sleep(0)
            task.cancel()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await task

    async def _made(self, meter: Meter, call: Call) -> None:
        async with meter.reserve(Ask(call.prompt, call.output, call.price)) as reservation:
            self.check()
            assert reservation.max_tokens <= call.output
            for _ in range(call.turns * (2 if call.end == "retry" else 1)):
                await asyncio.sleep(0)
            if call.end == "fail":
                raise ConnectionError
            usage = call.usage(reservation.prompt_tokens, reservation.max_tokens)
            assert meter.settle(reservation, usage) is None
            self.reported.append((usage, call.price))
            self.check()


def prices_of(node: Node) -> Iterator[Price | None]:
    yield from (call.price for call in node.calls)
    for below in node.below:
        yield from prices_of(below)


@settings(max_examples=250, deadline=None)
@given(tree=PRICED | UNPRICED, max_tokens=st.integers(100, 60_000), max_sub_calls=st.integers(0, 12))
def test_no_tree_spends_beyond_a_limit_and_the_ledger_adds_up(
    tree: tuple[Node, float | None], max_tokens: int, max_sub_calls: int
) -> None:
    async def run() -> World:
        node, cost = tree
        meter = Meter(Budget(max_tokens=max_tokens, max_sub_calls=max_sub_calls), SystemClock(), cost)
        world = World(meter)
        await asyncio.wait_for(world.level(meter, node), 10)
        return world

    world = asyncio.run(run())
    for account in world.accounts:
        assert (account.reserved, account.kept, account.below) == (NOTHING, NOTHING, set())
    totals = world.meter.totals()
    usages = [usage for usage, _ in world.reported]
    assert totals.input_tokens == sum(usage.input_tokens for usage in usages)
    assert totals.output_tokens == sum(usage.output_tokens for usage in usages)
    assert totals.cached_tokens == sum(usage.cached_tokens for usage in usages)
    assert totals.cache_write_tokens == sum(usage.cache_write_tokens for usage in usages)
    assert world.meter.spent.tokens == totals.input_tokens + totals.output_tokens
    costs = [usage.cost_usd(price) for usage, price in world.reported]
    known = [cost for cost in costs if cost is not None]
    assert abs(world.meter.spent.cost_usd - sum(known)) < ROUNDING
    assert (totals.cost_usd is None) == (len(known) < len(costs))
    assert totals.sub_calls == world.meter.spent.sub_calls <= max_sub_calls


@settings(max_examples=100, deadline=None)
@given(shares=st.lists(st.integers(0, 6_000), min_size=1, max_size=6), greedy=st.integers(0, 5))
def test_no_child_can_take_what_is_promised_to_the_others(shares: list[int], greedy: int) -> None:
    """One spends all that it can get before the others begin: each of them still gets its half of an equal share."""

    async def run() -> None:
        total = 50_000
        meter = Meter(Budget(max_tokens=total), SystemClock(), None)
        with meter.deal([Slice()] * len(shares)) as meters:
            first = meters.pop(greedy % len(shares))
            promised = first.account.share.tokens
            assert promised == (total - total // 8) // (2 * len(shares))
            await spend_all(first)
            for other, wanted in zip(meters, shares, strict=False):
                async with other.reserve(Ask(0, min(wanted, int(promised)) or 1, None)) as reservation:
                    assert reservation.max_tokens == (min(wanted, int(promised)) or 1)
                    other.settle(reservation, TokenUsage(0, reservation.max_tokens))
            assert meter.tokens_left >= total // 8
            assert meter.exhausted is None

    asyncio.run(run())


async def spend_all(meter: Meter) -> None:
    while meter.exhausted is None:
        try:
            async with meter.reserve(Ask(0, 4_096, None)) as reservation:
                meter.settle(reservation, TokenUsage(0, reservation.max_tokens))
        except BudgetExhausted:
            return


async def test_what_a_child_left_of_its_share_is_free_when_it_ends() -> None:
    meter = Meter(Budget(max_tokens=80_000), SystemClock(), None)
    with meter.deal([Slice(), Slice()]) as (first, second):
        before = second.tokens_left
        first.close()
        assert second.tokens_left - before == first.account.share.tokens == 17_500
        assert second.tokens_left == 70_000
    assert meter.tokens_left == 80_000


async def test_call_waiting_in_one_slice_does_not_hold_up_another() -> None:
    meter = Meter(Budget(max_tokens=100_000), SystemClock(), None)
    with meter.deal([Slice(max_tokens=1_000), Slice()]) as (narrow, wide):
        async with narrow.reserve(Ask(100, 800, None)):
            waiting = asyncio.ensure_future(taken(narrow, Ask(100, 800, None)))
            await asyncio.sleep(0)
            assert await taken(wide, Ask(100, 800, None)) == 800
            assert not waiting.done()
        assert await waiting == 800


async def taken(meter: Meter, ask: Ask) -> int:
    async with meter.reserve(ask) as reservation:
        return reservation.max_tokens


async def test_optional_call_that_is_refused_exhausts_nothing() -> None:
    meter = Meter(Budget(max_tokens=1_000), SystemClock(), None)
    with pytest.raises(BudgetExhausted, match="max_tokens is reached"):
        await taken(meter, Ask(2_000, 100, None, optional=True))
    assert meter.exhausted is None
    assert await taken(meter, Ask(100, 100, None)) == 100


async def test_overrun_is_told_and_counted_in_every_account() -> None:
    meter = Meter(Budget(max_tokens=10_000), SystemClock(), 1.0)
    with meter.deal([Slice(max_tokens=500)]) as (child,):
        async with child.reserve(Ask(100, 100, PRICES[0])) as reservation:
            overrun = child.settle(reservation, TokenUsage(900, 50))
    assert overrun is not None
    assert overrun.tokens == 750
    assert (child.spent.tokens, meter.spent.tokens) == (950, 950)
    assert child.tokens_left == 0
