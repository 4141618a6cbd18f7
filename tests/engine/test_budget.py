"""The meter: what it grants, makes wait and refuses."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlmlab.engine.budget import FALLBACK_TOKENS, Meter, text_bound
from rlmlab.engine.clock import SystemClock
from rlmlab.engine.errors import BudgetExhausted
from rlmlab.engine.providers.base import Price, TokenUsage
from rlmlab.engine.reservations import LEAST_OUTPUT_TOKENS, Ask, Overrun
from rlmlab.engine.types import Budget

PRICE = Price(input_usd=1e-5, output_usd=1e-4)


def meter(max_tokens: int = 10_000, cost: float | None = None, **limits: int) -> Meter:
    return Meter(Budget(max_tokens=max_tokens, **limits), SystemClock(), cost)


@pytest.mark.parametrize(
    ("text", "bound"), [("", 8), ("abc", 9), ("abcd", 10), ("é", 9), ("€€", 10), ("\ud800", 9), ("a" * 3000, 1008)]
)
def test_bound_is_bytes_over_three_and_eight_a_message(text: str, bound: int) -> None:
    assert text_bound(text) == bound


async def test_reservation_is_prompt_bound_and_output() -> None:
    budget = meter()
    async with budget.reserve(Ask(1_000, 4_096, None)) as reservation:
        assert (reservation.max_tokens, reservation.tokens) == (4_096, 5_096)
        assert budget.tokens_left == 4_904
    assert budget.tokens_left == 10_000


async def test_output_shrinks_to_what_is_left() -> None:
    async with meter().reserve(Ask(9_000, 4_096, None)) as reservation:
        assert reservation.max_tokens == 1_000


async def test_output_shrinks_to_what_the_money_buys() -> None:
    async with meter(cost=0.11).reserve(Ask(1_000, 4_096, PRICE)) as reservation:
        assert reservation.max_tokens == 1_000
        assert reservation.cost_usd == pytest.approx(0.11)


async def test_free_output_is_not_divided_by() -> None:
    async with meter(cost=0.01).reserve(Ask(1_000, 4_096, Price(1e-5, 0.0))) as reservation:
        assert reservation.max_tokens == 4_096


async def test_dearest_input_price_is_reserved() -> None:
    async with meter(cost=1).reserve(Ask(1_000, 100, Price(1e-5, 0.0, 2e-5))) as reservation:
        assert reservation.cost_usd == pytest.approx(0.02)


async def test_call_that_can_never_fit_is_refused_and_exhausts() -> None:
    budget = meter()
    with pytest.raises(BudgetExhausted, match="max_tokens is reached") as refused:
        async with budget.reserve(Ask(10_000 - LEAST_OUTPUT_TOKENS + 1, 4_096, None)):
            pass
    assert refused.value.limit == budget.exhausted == "max_tokens"
    with pytest.raises(BudgetExhausted):
        async with budget.reserve(Ask(1, 16, None)):
            pass
    assert budget.exhaustion.is_set()


async def test_money_that_does_not_reach_is_refused_by_its_own_name() -> None:
    with pytest.raises(BudgetExhausted) as refused:
        async with meter(cost=0.001).reserve(Ask(1_000, 4_096, PRICE)):
            pass
    assert refused.value.limit == "max_cost_usd"


async def test_call_that_fits_but_for_open_reservations_waits_in_order() -> None:
    budget = meter()
    order: list[str] = []

    async def call(name: str, prompt: int, output: int) -> None:
        async with budget.reserve(Ask(prompt, output, None)) as reservation:
            order.append(f"+{name}")
            await asyncio.sleep(0)
            budget.settle(reservation, TokenUsage(100, 10))
            order.append(f"-{name}")

    await asyncio.gather(call("a", 3_000, 4_000), call("b", 3_000, 4_000), call("c", 10, 500))
    assert order == ["+a", "-a", "+b", "+c", "-b", "-c"]
    assert budget.spent.tokens == 330


async def test_call_that_fits_but_for_reserved_money_waits() -> None:
    budget = meter(max_tokens=1_000_000, cost=0.1)
    async with budget.reserve(Ask(1_000, 500, PRICE)):
        waiting = asyncio.ensure_future(_enter(budget, Ask(1_000, 500, PRICE)))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        assert budget.cost_left_usd == pytest.approx(0.04)
    assert (await waiting).max_tokens == 500


async def test_waiting_call_is_refused_when_real_spend_leaves_no_room() -> None:
    budget = meter()

    async def first() -> None:
        async with budget.reserve(Ask(6_000, 2_000, None)) as reservation:
            await asyncio.sleep(0)
            budget.settle(reservation, TokenUsage(6_000, 2_000))

    async def second() -> None:
        async with budget.reserve(Ask(3_000, 2_000, None)):
            pytest.fail("granted beyond the limit")

    done = await asyncio.gather(first(), second(), second(), return_exceptions=True)
    assert [type(item) for item in done] == [type(None), BudgetExhausted, BudgetExhausted]
    assert budget.spent.tokens == 8_000


async def test_cancelled_waiter_leaves_the_line() -> None:
    budget = meter()
    async with budget.reserve(Ask(6_000, 4_000, None)):
        waiting = asyncio.ensure_future(_enter(budget, Ask(100, 4_000, None)))
        behind = asyncio.ensure_future(_enter(budget, Ask(100, 4_000, None)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        assert not behind.done()
    assert (await behind).max_tokens == 4_000
    assert budget.reserved.tokens == 0


async def test_waiter_cancelled_as_it_is_granted_gives_its_reservation_back() -> None:
    budget = meter()
    async with budget.reserve(Ask(6_000, 4_000, None)):
        waiting = asyncio.ensure_future(_enter(budget, Ask(100, 4_000, None)))
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert budget.reserved.tokens == 0


async def _enter(budget: Meter, ask: Ask) -> object:
    async with budget.reserve(ask) as reservation:
        return reservation


async def test_overrun_is_told_and_counted() -> None:
    budget = meter(cost=1)
    async with budget.reserve(Ask(100, 100, PRICE)) as reservation:
        overrun = budget.settle(reservation, TokenUsage(300, 50))
    assert overrun == Overrun(150, 0.0)
    assert budget.spent.tokens == 350
    async with budget.reserve(Ask(100, 100, PRICE)) as reservation:
        assert reservation.tokens == 300 + 100  # the ratio of 3 is remembered
        overrun = budget.settle(reservation, TokenUsage(100, 1_000))
    assert overrun.cost_usd == pytest.approx(0.101 - 0.013)


async def test_estimates_do_not_teach_the_ratio() -> None:
    budget = meter()
    async with budget.reserve(Ask(100, 100, None)) as reservation:
        budget.settle(reservation, TokenUsage(1_000, 0, estimated=True))
    assert budget.prompt_tokens(100) == 100


async def test_fallback_is_held_back_and_only_it_may_use_it() -> None:
    budget = meter(max_tokens=1_000_000, cost=1.0)
    budget.hold_fallback(PRICE)
    assert budget.held.tokens == FALLBACK_TOKENS
    assert budget.tokens_left == 1_000_000 - FALLBACK_TOKENS
    assert budget.held.cost_usd == 0.25
    budget.exhaust("max_tokens")
    budget.release_fallback()
    async with budget.reserve(Ask(100, 100, PRICE, fallback=True)) as reservation:
        assert reservation.max_tokens == 100


async def test_refused_fallback_keeps_the_first_reason() -> None:
    budget = meter(max_tokens=100)
    budget.exhaust("max_steps")
    with pytest.raises(BudgetExhausted, match="max_tokens"):
        async with budget.reserve(Ask(100, 100, None, fallback=True)):
            pass
    assert budget.exhausted == "max_steps"


def test_small_budget_holds_a_quarter_for_the_fallback() -> None:
    budget = meter(max_tokens=1_000)
    budget.hold_fallback(None)
    assert budget.held.tokens == 250
    assert budget.room(None) == 750 - 187


def test_room_of_the_fallback_is_bound_by_money() -> None:
    budget = meter(max_tokens=100_000, cost=0.1)
    assert budget.room(PRICE) == 7_500
    assert budget.room(None) == 100_000 - 2_048


def test_sub_calls_are_counted_to_their_limit() -> None:
    budget = meter(max_sub_calls=2)
    budget.count_sub_call()
    budget.count_sub_call()
    with pytest.raises(BudgetExhausted) as refused:
        budget.count_sub_call()
    assert refused.value.limit == "max_sub_calls"
    assert (budget.counts.sub_calls, budget.sub_calls_left) == (2, 0)


async def test_unknown_price_makes_the_total_unknown() -> None:
    budget = meter()
    async with budget.reserve(Ask(10, 10, None)) as reservation:
        budget.settle(reservation, TokenUsage(5, 5))
    assert budget.totals().cost_usd is None
    assert budget.totals().input_tokens == 5
    assert budget.cost_left_usd is None


CALLS = st.lists(
    st.tuples(
        st.integers(8, 3_000),  # bound of the prompt
        st.integers(1, 4_096),  # output wanted
        st.floats(0, 1),  # share of each that is really used
        st.integers(0, 4),  # turns of the loop it takes
        st.sampled_from(["settle", "fail", "cancel"]),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(calls=CALLS, max_tokens=st.integers(100, 20_000), cost=st.one_of(st.none(), st.floats(0, 0.5)))
def test_races_never_exceed_a_limit_nor_leave_anyone_waiting(
    calls: list[tuple[int, int, float, int, str]], max_tokens: int, cost: float | None
) -> None:
    """However calls interleave: spend stays within the limits, all calls end, and no reservation is left behind."""

    async def run() -> Meter:
        budget = meter(max_tokens, cost)
        budget.hold_fallback(PRICE)
        held = budget.held.tokens

        async def call(prompt: int, output: int, share: float, turns: int, end: str) -> None:
            async with budget.reserve(Ask(prompt, output, PRICE)) as reservation:
                assert budget.spent.tokens + budget.reserved.tokens + held <= max_tokens
                assert reservation.max_tokens <= output
                for _ in range(turns):
                    await asyncio.sleep(0)
                if end == "fail":
                    raise ConnectionError
                usage = TokenUsage(int(prompt * share), int(reservation.max_tokens * share))
                assert budget.settle(reservation, usage) is None

        tasks = [asyncio.ensure_future(call(*fields)) for fields in calls]
        for (*_, turns, end), task in zip(calls, tasks, strict=True):
            if end == "cancel":
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        allowed = (BudgetExhausted, ConnectionError, asyncio.CancelledError)
        assert all(item is None or isinstance(item, allowed) for item in done)
        return budget

    budget = asyncio.run(run())
    assert budget.reserved.tokens == 0
    assert budget.reserved.cost_usd == 0
    assert budget.spent.tokens <= max_tokens
    assert cost is None or budget.spent.cost_usd <= cost + 1e-9
