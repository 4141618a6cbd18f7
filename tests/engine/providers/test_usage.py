"""The forms in which providers report tokens, and the buckets that they become."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlmlab.engine.providers.base import Price, TokenUsage
from rlmlab.engine.providers.usage import read_usage

COUNT = st.integers(min_value=0, max_value=10**6)
MAYBE = st.none() | COUNT


def used(whole_input: int, output: int, cached: int = 0, written: int = 0, reasoning: int = 0) -> TokenUsage:
    return TokenUsage(whole_input, output, cached, reasoning, cache_write_tokens=written)


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        # OpenAI
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 30,
                "total_tokens": 130,
                "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            used(100, 30, 60, 0, 20),
        ),
        # OpenRouter
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 30,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 25},
            },
            used(100, 30, 60, 25),
        ),
        # DeepSeek
        (
            {"prompt_tokens": 100, "completion_tokens": 30, "prompt_cache_hit_tokens": 60, "total_tokens": 130},
            used(100, 30, 60),
        ),
        # LiteLLM, of Anthropic's: everything twice
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 30,
                "total_tokens": 130,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_creation_tokens": 25, "cache_write_tokens": 25},
                "cache_read_input_tokens": 60,
                "cache_creation_input_tokens": 25,
            },
            used(100, 30, 60, 25),
        ),
        # Anthropic itself: the cache's stand beside
        (
            {
                "input_tokens": 15,
                "output_tokens": 30,
                "cache_read_input_tokens": 60,
                "cache_creation_input_tokens": 25,
            },
            used(100, 30, 60, 25),
        ),
        # the same with a total, where more is fresh than cached
        (
            {"prompt_tokens": 90, "completion_tokens": 30, "total_tokens": 130, "cache_read_input_tokens": 10},
            used(100, 30, 10),
        ),
        # OpenAI's responses
        (
            {
                "input_tokens": 100,
                "output_tokens": 30,
                "input_tokens_details": {"cached_tokens": 60},
                "output_tokens_details": {"reasoning_tokens": 20},
            },
            used(100, 30, 60, 0, 20),
        ),
        # xAI: reasoning beside the output
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 30,
                "total_tokens": 150,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            used(100, 50, 0, 0, 20),
        ),
        # Gemini: thoughts in the total only
        ({"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 150}, used(100, 50)),
        # null and missing
        ({"prompt_tokens": 5, "completion_tokens": None, "prompt_tokens_details": {"cached_tokens": None}}, used(5, 0)),
        ({"prompt_tokens": 5, "completion_tokens_details": [], "total_tokens": 0}, used(5, 0)),
    ],
)
def test_form_is_read_into_buckets(usage: dict[str, Any], read: TokenUsage):
    assert read_usage(usage) == read


@pytest.mark.parametrize("name", ["total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"])
@pytest.mark.parametrize("count", [-1, 10**20, "many"])
def test_part_that_cannot_be_true_makes_all_of_it_unbelievable(name: str, count: Any):
    assert read_usage({"prompt_tokens": 22, "completion_tokens": 7} | {name: count}) is None


@given(COUNT, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE)
def test_buckets_are_disjoint_and_never_negative(
    prompt: int,
    output: int | None,
    total: int | None,
    cached: int | None,
    read: int | None,
    written: int | None,
    reasoning: int | None,
):
    usage = read_usage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": cached},
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }
    )
    assert usage is not None
    fresh = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    assert min(fresh, usage.output_tokens - usage.reasoning_tokens) >= 0
    assert usage.input_tokens >= prompt
    assert usage.output_tokens >= (output or 0)
    assert (usage.cost_usd(Price(1.0, 1.0)) or 0) == usage.input_tokens + usage.output_tokens


def test_each_bucket_has_its_price():
    usage = used(100, 10, 60, 25)
    assert usage.cost_usd(Price(1.0, 2.0, 0.1, 1.25)) == 15 + 6 + 31.25 + 20
    assert usage.cost_usd(Price(1.0, 2.0)) == 100 + 20
