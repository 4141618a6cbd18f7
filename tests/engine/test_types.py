"""The limits of a budget, and how calls' arguments are read."""

import math

import pytest

from rlmlab.engine import arguments
from rlmlab.engine.types import Budget, no_context
from sandbox.base import HostCall
from sandbox.errors import Refused


def test_budget_has_the_defaults_of_the_design() -> None:
    budget = Budget()
    assert (budget.max_tokens, budget.max_cost_usd, budget.max_seconds) == (1_000_000, None, 900)
    assert (budget.max_depth, budget.max_steps, budget.max_sub_calls) == (3, 30, 200)


@pytest.mark.parametrize(
    ("limit", "value", "problem"),
    [
        ("max_tokens", 0, "max_tokens: must be at least 1"),
        ("max_tokens", -5, "max_tokens: must be at least 1"),
        ("max_tokens", 1.5, "max_tokens: must be a whole number"),
        ("max_tokens", True, "max_tokens: must be a whole number"),
        ("max_tokens", "10", "max_tokens: must be a whole number"),
        ("max_tokens", None, "max_tokens: must be a whole number"),
        ("max_cost_usd", -0.01, "max_cost_usd: must be at least 0"),
        ("max_cost_usd", math.nan, "max_cost_usd: must be at least 0"),
        ("max_cost_usd", math.inf, "max_cost_usd: must be at least 0"),
        ("max_seconds", 0, "max_seconds: must be at least 0.001"),
        ("max_seconds", "1", "max_seconds: must be a number"),
        ("max_depth", -1, "max_depth: must be at least 0"),
        ("max_steps", 0, "max_steps: must be at least 1"),
        ("max_sub_calls", -1, "max_sub_calls: must be at least 0"),
    ],
)
def test_wrong_limit_is_named(limit: str, value: object, problem: str) -> None:
    with pytest.raises(ValueError, match="^" + problem.replace(".", r"\.") + "$"):
        Budget(**{limit: value})


def test_least_limits_are_taken() -> None:
    budget = Budget(max_tokens=1, max_cost_usd=0, max_seconds=0.5, max_depth=0, max_steps=1, max_sub_calls=0)
    assert budget.max_cost_usd == 0


async def test_run_without_input_opens_none() -> None:
    assert await no_context() is None


def call(*args: object, **kwargs: object) -> HostCall:
    return HostCall("f", args, kwargs, 1)


@pytest.mark.parametrize(
    ("made", "bound"),
    [
        (call("a"), {"x": "a", "y": None}),
        (call("a", 2), {"x": "a", "y": 2}),
        (call("a", y=2), {"x": "a", "y": 2}),
        (call(y=2, x="a"), {"x": "a", "y": 2}),
    ],
)
def test_arguments_bind_like_pythons_own(made: HostCall, bound: dict[str, object]) -> None:
    assert arguments.bind(made, "x", "y") == bound


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (call(), "f() needs 'x'"),
        (call(y=1), "f() needs 'x'"),
        (call(1, 2, 3), "f() takes 2 arguments, 3 were given"),
        (call(1, x=1), "f() got two values for 'x'"),
        (call(1, z=1), "f() has no argument 'z'; it has x, y"),
    ],
)
def test_arguments_that_do_not_bind_are_refused(made: HostCall, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        arguments.bind(made, "x", "y")
    assert (refused.value.kind, refused.value.message) == ("TypeError", problem)


def test_contexts_are_one_a_prompt() -> None:
    assert arguments.same_length(call(), ["a", "b"], None) == [None, None]
    assert arguments.same_length(call(), ["a", "b"], [1, None]) == [1, None]
    with pytest.raises(Refused, match="2 prompts but 1 contexts") as refused:
        arguments.same_length(call(), ["a", "b"], [1])
    assert refused.value.kind == "ValueError"
    with pytest.raises(Refused, match="contexts must be a list, not str"):
        arguments.same_length(call(), ["a", "b"], "ab")


def test_texts_must_be_a_list_of_texts() -> None:
    assert arguments.texts(call(), "prompts", ["a", ""]) == ["a", ""]
    with pytest.raises(Refused, match="prompts must be a list of str, not str"):
        arguments.texts(call(), "prompts", "ab")
