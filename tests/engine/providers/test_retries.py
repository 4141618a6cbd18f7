"""Backoff, throttle, failures and the reading of streams, piece by piece."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from rlmlab.engine.errors import (
    BadRequest,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RejectedCredentials,
    UnknownModel,
)
from rlmlab.engine.providers.base import ChatMessage, ChatRequest, Completed, Price, TextDelta, TokenUsage
from rlmlab.engine.providers.breaker import CircuitPolicy, Circuits
from rlmlab.engine.providers.estimates import estimate_messages, estimate_text, estimate_usage
from rlmlab.engine.providers.failures import (
    Interrupted,
    cut,
    failure_of_status,
    message_of_body,
    parse_retry_after,
    without_secret,
)
from rlmlab.engine.providers.retries import Lane, RetryPolicy, stream_with_retries
from rlmlab.engine.providers.sse import StreamReader, data_lines, failure_of_error
from rlmlab.engine.providers.throttle import Throttle

REQUEST = ChatRequest("openai/x", (ChatMessage("user", "hi"),), max_tokens=10, timeout_seconds=5)
DONE = Completed("ok", TokenUsage(1, 1), "stop")


def lane_of(policy: RetryPolicy, throttle: Throttle) -> Lane:
    return Lane(policy, throttle, Circuits(CircuitPolicy()))


def test_waits_double_up_to_the_longest():
    policy = RetryPolicy(first_wait_seconds=1, longest_wait_seconds=6, random=lambda: 1.0)
    assert [policy.wait_seconds(n, None) for n in (1, 2, 3, 4, 5)] == [1, 2, 4, 6, 6]


def test_jitter_is_all_of_the_wait():
    low, high = (RetryPolicy(first_wait_seconds=1, random=lambda r=r: r).wait_seconds(1, None) for r in (0.0, 1.0))
    assert (low, high) == (0.0, 1.0)


def test_jitter_comes_on_top_of_a_retry_after():
    """All who were pushed back are told the same: they must not come back in one burst."""
    low, high = (RetryPolicy(first_wait_seconds=1, random=lambda r=r: r).wait_seconds(2, 20.0) for r in (0.0, 1.0))
    assert (low, high) == (20.0, 22.0)


async def test_final_error_is_not_tried_again():
    attempts = []

    async def attempt(_request: ChatRequest, number: int) -> AsyncGenerator[TextDelta | Completed, None]:
        attempts.append(number)
        raise BadRequest("no")
        yield DONE

    with pytest.raises(BadRequest):
        async for _ in stream_with_retries(REQUEST, attempt, lane_of(RetryPolicy(), Throttle())):
            pass
    assert attempts == [1]


async def test_failed_attempt_gives_its_place_back():
    throttle = Throttle(1)

    async def attempt(_request: ChatRequest, number: int) -> AsyncGenerator[TextDelta | Completed, None]:
        if number < 3:
            raise cut("gone")
        yield DONE

    policy = RetryPolicy(first_wait_seconds=0.01)
    items = [item async for item in stream_with_retries(REQUEST, attempt, lane_of(policy, throttle))]
    assert items[-1] == DONE
    assert "gone; next attempt in 0.0 s" in items[0].reason
    assert await asyncio.wait_for(throttle.enter(), 1) == 0


async def test_throttle_halves_once_a_burst_and_recovers():
    throttle = Throttle(64)
    marks = [await throttle.enter() for _ in range(16)]
    for mark in marks:
        throttle.pushed_back(mark)
        throttle.leave()
    assert throttle.limit == 8
    for _ in range(9):
        throttle.answered()
    assert throttle.limit == 9


async def test_throttle_never_closes():
    throttle = Throttle(64)
    for _ in range(5):
        throttle.pushed_back(await throttle.enter())
        throttle.leave()
    assert throttle.limit == 4
    assert Throttle(2).limit == 2


async def test_throttle_admits_in_order_and_forgets_who_left():
    throttle = Throttle(1)
    await throttle.enter()
    order: list[str] = []

    async def wait(name: str) -> None:
        await throttle.enter()
        order.append(name)
        throttle.leave()

    first, second, third = (asyncio.create_task(wait(name)) for name in ("first", "second", "third"))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    throttle.leave()
    await asyncio.gather(first, third)
    assert order == ["first", "third"]
    assert await asyncio.wait_for(throttle.enter(), 1) == 0


async def test_place_given_to_a_cancelled_waiter_is_not_lost():
    throttle = Throttle(1)
    await throttle.enter()
    waiter = asyncio.create_task(throttle.enter())
    await asyncio.sleep(0)
    throttle.leave()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert await asyncio.wait_for(throttle.enter(), 1) == 0


@pytest.mark.parametrize(
    ("status", "error", "again"),
    [
        (400, BadRequest, False),
        (401, RejectedCredentials, False),
        (403, RejectedCredentials, False),
        (404, UnknownModel, False),
        (408, ProviderUnavailable, True),
        (409, ProviderUnavailable, True),
        (413, BadRequest, False),
        (422, BadRequest, False),
        (429, RateLimited, True),
        (500, ProviderUnavailable, True),
        (503, ProviderUnavailable, True),
        (529, ProviderUnavailable, True),
    ],
)
def test_status_tells_the_failure_and_whether_to_try_again(status: int, error: type[Exception], again: bool):
    failure = failure_of_status(status, "words")
    assert isinstance(failure, Interrupted) is again
    final = failure.failure if isinstance(failure, Interrupted) else failure
    assert type(final) is error
    assert f"words (HTTP {status})" in str(final)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("3", 3.0), ("0.5", 0.5), ("-1", None), ("soon", None), ("inf", None), ("nan", None)],
)
def test_retry_after_is_read_as_seconds(header: str | None, seconds: float | None):
    assert parse_retry_after(header) == seconds


def test_retry_after_is_read_as_a_date():
    soon = parse_retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert soon is not None
    assert 28 <= soon <= 30
    assert parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert parse_retry_after("Wed, 99 Oct 2015 07:28:00 GMT") is None


async def test_retry_after_holds_for_all_calls_of_a_model():
    throttle = Throttle(64)
    throttle.pushed_back(await throttle.enter(), 0.1)
    throttle.leave()
    started = asyncio.get_running_loop().time()
    assert 0.05 < throttle.pause_seconds() <= 0.1
    await asyncio.wait_for(asyncio.gather(*(throttle.enter() for _ in range(3))), 2)
    assert asyncio.get_running_loop().time() - started >= 0.1
    assert throttle.pause_seconds() == 0


async def test_retry_after_of_a_quota_pauses_nobody_else():
    throttle = Throttle(64)
    throttle.pushed_back(await throttle.enter(), 3600.0)
    assert throttle.pause_seconds() == 0


async def test_call_that_would_wait_for_longer_than_it_can_is_told_at_once():
    throttle = Throttle(64)
    throttle.pushed_back(await throttle.enter(), 30.0)

    async def attempt(_request: ChatRequest, number: int) -> AsyncGenerator[TextDelta | Completed, None]:
        yield DONE

    with pytest.raises(RateLimited, match="asks to wait 30 s") as caught:
        async for _ in stream_with_retries(REQUEST, attempt, lane_of(RetryPolicy(), throttle)):
            pass
    assert caught.value.retry_after_seconds == pytest.approx(30, abs=1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "too long"}}', "too long"),
        (b'{"error": "too long"}', "too long"),
        (b'{"message": "too long"}', "too long"),
        (b"<html>gone</html>", "<html>gone</html>"),
        (b"[1]", "[1]"),
        (b"", "no explanation"),
        (b"\xff", "\ufffd"),
    ],
)
def test_message_is_found_in_an_error_body(body: bytes, message: str):
    assert message_of_body(body) == message


def test_secret_is_struck_out():
    assert without_secret("key sk-1 is wrong", "sk-1") == "key [key] is wrong"
    assert without_secret("words", None) == "words"


async def _chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_data_lines_do_not_depend_on_chunk_borders(size: int):
    stream = b': comment\r\ndata: {"a": "\xc3\xa9"}\r\n\r\nevent: x\ndata:[DONE]\n\ndata: last'
    parts = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [line async for line in data_lines(_chunks(*parts))] == [b'{"a": "\xc3\xa9"}', b"[DONE]", b"last"]


@pytest.mark.parametrize("data", [b"{", b"[]", b"1", b'{"choices": [1]}', b'{"usage": [1]}'])
def test_broken_chunk_interrupts(data: bytes):
    with pytest.raises(Interrupted, match="broken chunk"):
        StreamReader().read(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"error": {"message": "Incorrect API key provided: sk-ada.", "code": 401}}',
        b'{"error": "sk-ada is over its quota"}',
        b'{"error": {"key": "sk-ada"}}',
        b"{ sk-ada",
        b"{" + b" " * 75 + b"sk-ada",  # cut off in the midst of the key
    ],
)
def test_secret_is_struck_out_of_what_a_stream_reports(data: bytes):
    with pytest.raises((Interrupted, RejectedCredentials)) as caught:
        StreamReader("sk-ada").read(data)
    assert "sk-" not in str(caught.value)
    assert "sk-ada" not in repr(StreamReader("sk-ada"))


def test_error_chunk_without_a_number_may_pass():
    assert isinstance(failure_of_error("overloaded"), Interrupted)
    assert isinstance(failure_of_error({"message": "no", "code": "invalid"}), Interrupted)
    assert isinstance(failure_of_error({"message": "no", "code": 400}), BadRequest)


def test_estimates_round_up_and_keep_to_the_limit():
    assert (estimate_text(""), estimate_text("abcd"), estimate_text("é")) == (0, 2, 1)
    assert estimate_messages(REQUEST.messages) == 9
    assert estimate_usage(REQUEST, "x" * 600) == TokenUsage(9, 10, estimated=True)


def test_cost_counts_cached_tokens_at_their_price():
    usage = TokenUsage(input_tokens=100, output_tokens=10, cached_tokens=40)
    assert usage.cost_usd(Price(1.0, 2.0, 0.5)) == 60 + 20 + 20
    assert usage.cost_usd(Price(1.0, 2.0)) == 100 + 20
    assert usage.cost_usd(None) is None


async def test_call_that_never_gets_a_place_ends_with_its_time_and_holds_none():
    throttle = Throttle(1)
    await throttle.enter()

    async def attempt(_request: ChatRequest, number: int) -> AsyncGenerator[TextDelta | Completed, None]:
        yield DONE

    request = ChatRequest("openai/x", (ChatMessage("user", "hi"),), max_tokens=10, timeout_seconds=0.05)
    with pytest.raises(ProviderTimeout, match=r"no whole answer from openai/x within 0\.05 s"):
        async for _ in stream_with_retries(request, attempt, lane_of(RetryPolicy(), throttle)):
            pass
    throttle.leave()
    assert await asyncio.wait_for(throttle.enter(), 1) == 0
