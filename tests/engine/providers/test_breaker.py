"""The circuit of an endpoint: when it opens, whom it lets through, and what calls hear meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from rlmlab.engine.errors import BadRequest, EndpointDown, ProviderUnavailable, RateLimited
from rlmlab.engine.providers.base import ChatMessage, ChatRequest, Completed, TextDelta, TokenUsage
from rlmlab.engine.providers.breaker import CircuitPolicy, Circuits
from rlmlab.engine.providers.failures import Interrupted, cut, failure_of_status
from rlmlab.engine.providers.retries import Lane, RetryPolicy, stream_with_retries
from rlmlab.engine.providers.throttle import Throttle

MODEL = "openai/x"
REQUEST = ChatRequest(MODEL, (ChatMessage("user", "hi"),), max_tokens=10, timeout_seconds=5)
DONE = Completed("ok", TokenUsage(1, 1), "stop")


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def circuits(time: Time) -> Circuits:
    return Circuits(CircuitPolicy(failures=3, streak_seconds=2.0, now=time))


def fail(circuits: Circuits, failure: Callable[[], Exception] = lambda: cut("gone"), model: str = MODEL) -> None:
    with pytest.raises(Interrupted), circuits.passing(model):
        raise failure()


def unavailable() -> Exception:
    return failure_of_status(503, "overloaded")


def opened(circuits: Circuits, time: Time, failure: Callable[[], Exception] = lambda: cut("gone")) -> None:
    for _ in range(3):
        fail(circuits, failure)
        time.seconds += 1.0
    with pytest.raises(EndpointDown):
        circuits.check(MODEL)


def test_it_opens_after_failures_in_a_row_and_says_when_it_asks_again(circuits: Circuits, time: Time):
    opened(circuits, time)
    with pytest.raises(EndpointDown) as caught:
        circuits.check("openai/other")
    assert str(caught.value) == (
        "openai/other is not asked: its endpoint failed 3 times in a row, last because gone. It is asked again in 14 s"
    )
    assert (caught.value.retry_after_seconds, caught.value.code) == (14.0, "provider_unavailable")


def test_failures_of_one_burst_do_not_open_it(circuits: Circuits, time: Time):
    for _ in range(64):
        fail(circuits)
    circuits.check(MODEL)
    time.seconds += 2.0
    fail(circuits)
    with pytest.raises(EndpointDown):
        circuits.check(MODEL)


def test_an_answer_between_begins_anew(circuits: Circuits, time: Time):
    for failure in (lambda: cut("gone"), lambda: cut("gone"), None, lambda: cut("gone"), lambda: cut("gone")):
        time.seconds += 2.0
        if failure is None:
            with circuits.passing(MODEL) as passage:
                passage.answered()
        else:
            fail(circuits, failure)
    circuits.check(MODEL)


@pytest.mark.parametrize("answer", [lambda: failure_of_status(429, "slow down"), unavailable])
def test_any_answer_shows_that_the_endpoint_can_be_reached(
    circuits: Circuits, time: Time, answer: Callable[[], Exception]
):
    for failure in (lambda: cut("gone"), lambda: cut("gone"), answer, lambda: cut("gone")):
        fail(circuits, failure)
        time.seconds += 2.0
    circuits.check(MODEL)


def test_a_refusal_is_an_answer(circuits: Circuits, time: Time):
    fail(circuits)
    fail(circuits)
    with pytest.raises(BadRequest), circuits.passing(MODEL):
        raise BadRequest("too long")
    time.seconds += 3.0
    fail(circuits)
    circuits.check(MODEL)


def test_failures_far_apart_are_not_in_a_row(circuits: Circuits, time: Time):
    for _ in range(5):
        fail(circuits)
        time.seconds += 61.0
    circuits.check(MODEL)


def test_what_an_answer_says_holds_for_its_model_alone(circuits: Circuits, time: Time):
    opened(circuits, time, unavailable)
    with pytest.raises(EndpointDown, match=r"openai/x is not asked: it failed 3 times in a row, .*overloaded"):
        circuits.check(MODEL)
    circuits.check("openai/other")


def test_one_call_probes_and_an_answer_closes_it(circuits: Circuits, time: Time):
    opened(circuits, time)
    time.seconds += 15.0
    with circuits.passing(MODEL) as probe:
        with pytest.raises(EndpointDown, match="asked again in 5 s"), circuits.passing(MODEL):
            pass
        probe.answered()
        circuits.check(MODEL)
    fail(circuits)
    circuits.check(MODEL)


def test_probe_that_fails_keeps_it_open_twice_as_long(circuits: Circuits, time: Time):
    opened(circuits, time)
    waits = []
    for _ in range(5):
        time.seconds += 120.0
        fail(circuits)
        with pytest.raises(EndpointDown) as caught:
            circuits.check(MODEL)
        waits.append(caught.value.retry_after_seconds)
    assert waits == [30.0, 60.0, 120.0, 120.0, 120.0]


def test_probe_that_is_given_up_leaves_the_place_to_the_next(circuits: Circuits, time: Time):
    opened(circuits, time)
    time.seconds += 15.0
    with pytest.raises(asyncio.CancelledError), circuits.passing(MODEL):
        raise asyncio.CancelledError
    circuits.check(MODEL)


def test_what_was_under_way_when_it_opened_changes_nothing(circuits: Circuits, time: Time):
    late = circuits.passing(MODEL)
    late.__enter__()
    opened(circuits, time)
    assert not late.__exit__(Interrupted, cut("late"), None)
    with pytest.raises(EndpointDown, match="3 times in a row, last because gone"):
        circuits.check(MODEL)


async def test_call_is_given_up_when_the_circuit_opens_between_its_attempts(time: Time):
    attempts = []

    async def attempt(_request: ChatRequest, number: int) -> AsyncGenerator[TextDelta | Completed, None]:
        attempts.append(number)
        time.seconds += 1.0
        raise cut("gone")
        yield DONE

    policy = RetryPolicy(first_wait_seconds=0.001, circuit=CircuitPolicy(failures=3, streak_seconds=2.0, now=time))
    lane = Lane(policy, Throttle(), Circuits(policy.circuit))
    for expected in ([1, 2, 3], [1, 2, 3]):  # the second call is not even begun
        with pytest.raises(EndpointDown, match="asked again in 15 s"):
            async for _ in stream_with_retries(REQUEST, attempt, lane):
                pass
        assert attempts == expected
    time.seconds += 15.0
    with pytest.raises(EndpointDown, match="asked again in 30 s"):
        async for _ in stream_with_retries(REQUEST, attempt, lane):
            pass
    assert attempts == [1, 2, 3, 1]


@pytest.mark.parametrize("error", [ProviderUnavailable("no room on the disk"), RateLimited("slow")])
async def test_final_failure_leaves_the_place_and_the_circuit_as_they_were(error: Exception):
    async def attempt(_request: ChatRequest, number: int) -> AsyncGenerator[TextDelta | Completed, None]:
        raise error
        yield DONE

    lane = Lane(RetryPolicy(), Throttle(1), Circuits(CircuitPolicy(failures=1, streak_seconds=0.0)))
    with pytest.raises(type(error)):
        async for _ in stream_with_retries(REQUEST, attempt, lane):
            pass
    lane.circuits.check(MODEL)
    assert await asyncio.wait_for(lane.throttle.enter(), 1) == 0
