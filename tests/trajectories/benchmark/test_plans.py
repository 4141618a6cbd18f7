"""What a benchmark accepts."""

import pytest

from rlmlab.errors import Invalid
from trajectories.benchmark.arms import ARMS
from trajectories.benchmark.plans import Plan, checked_arms, checked_count, checked_families, checked_size
from trajectories.benchmark.tasks.families import FAMILIES


@pytest.mark.parametrize(
    ("text", "size"), [("4000", 4_000), ("100kB", 100_000), ("1.5 MB", 1_500_000), ("20K", 20_000), ("100mb", 10**8)]
)
def test_size_is_read(text: str, size: int):
    assert checked_size(text) == size


@pytest.mark.parametrize("text", ["", "many", "3kB", "101MB", "-5kB", "1GB"])
def test_other_sizes_are_refused(text: str):
    with pytest.raises(Invalid, match="size: must be"):
        checked_size(text)


def test_names_are_taken_once_and_none_means_all():
    assert checked_families(["code", "s-niah", "code"]) == ["code", "s-niah"]
    assert checked_families([]) == list(FAMILIES)
    assert [(arm.name, arm.mode, arm.limits) for arm in checked_arms([])] == [
        ("direct", "direct", {}),
        ("repl", "repl", {}),
        ("rlm1", "rlm", {"max_depth": 1}),
        ("rlm2", "rlm", {"max_depth": 2}),
    ]
    with pytest.raises(Invalid, match='there is no "rlm9"; use direct, repl, rlm1, rlm2'):
        checked_arms(["rlm9"])


@pytest.mark.parametrize("value", [0, 65])
def test_counts_have_an_end(value: int):
    assert checked_count("at-once", 64, 64) == 64
    with pytest.raises(Invalid, match="at-once: must be 1 to 64"):
        checked_count("at-once", value, 64)


def test_plan_makes_each_task_for_all_arms():
    plan = Plan(["code", "multi-hop"], list(ARMS.values()), 5_000, tasks=3, seed=1, model_of=lambda arm: arm.name)
    tasks = [(task.family, task.number) for task in plan.all_tasks()]
    assert tasks == [(family, number) for number in range(3) for family in ("code", "multi-hop")]
    assert plan.runs == 24
