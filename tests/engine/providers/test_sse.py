"""What a provider reports of its own tokens is read, or not believed."""

import math
from typing import Any

import pytest

from rlmlab.engine.providers.base import TokenUsage
from rlmlab.engine.providers.usage import read_usage


def test_usage_is_read_with_its_details() -> None:
    usage = {
        "prompt_tokens": 22,
        "completion_tokens": 7.0,
        "prompt_tokens_details": {"cached_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert read_usage(usage) == TokenUsage(input_tokens=22, output_tokens=7, cached_tokens=5, reasoning_tokens=3)


def test_usage_without_output_or_details_is_read() -> None:
    usage = {"prompt_tokens": 22, "completion_tokens": None, "prompt_tokens_details": None}
    assert read_usage(usage) == TokenUsage(input_tokens=22, output_tokens=0)


@pytest.mark.parametrize("count", [-1, 10**20, math.inf, math.nan, "many", [1]])
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_usage_that_cannot_be_true_is_not_believed(name: str, count: Any) -> None:
    """A negative count would give the run budget back; one that no column holds would end it without a word."""
    assert read_usage({"prompt_tokens": 22, "completion_tokens": 7} | {name: count}) is None


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": None, "completion_tokens": 7}])
def test_usage_without_a_prompt_is_none(usage: dict[str, Any]) -> None:
    assert read_usage(usage) is None
