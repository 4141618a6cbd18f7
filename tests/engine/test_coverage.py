"""What a run's cells and sub-calls saw of its input stands in their spans."""

import random

from rlmlab.engine.coverage import data
from rlmlab.engine.events import SpanFinished
from rlmlab.engine.types import ContextInfo, RunSpec
from sandbox.base import ContextSource, context_in_memory
from tests.engine.conftest import RUN_ID, Lab, Ran
from tests.engine.fakes.provider import by_level, turns

CHANCE = random.Random(5)  # noqa: S311 - a text, no secret
INPUT = " ".join(str(CHANCE.random()) for _ in range(3_000))


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


async def ran(lab: Lab, *cells: str, **spec: object) -> Ran:
    async def opened() -> ContextSource:
        return context_in_memory("text", [INPUT.encode()])

    script = by_level(
        {"Root": turns(*map(code, cells)), "One": turns(code("print(context)\nFINAL(1)")), "plain": turns("ok")}
    )
    return await lab.run(script, context=ContextInfo("text", len(INPUT)), open_context=opened, **spec)


def coverage(found: Ran) -> dict[str, list[int]]:
    return {row.path: list(row.coverage) for row in found.sink.projection().spans.values() if row.coverage}


async def test_prints_and_prompts_tell_what_they_saw(lab: Lab) -> None:
    found = await ran(
        lab,
        "print(context[:1000])",
        "llm_query_batched(['Read: ' + context[2000:5000], 'nothing', context[9000:9500]])\nFINAL(len(context))",
    )
    assert coverage(found) == {"1/c1": [0, 1000], "2/1/0": [2000, 5000], "2/1/2": [9000, 9500]}
    ends = [end for end in found.sink.payloads(SpanFinished) if end.kind == "sub_call"]
    assert [end.data.get("coverage") for end in ends].count([2000, 5000]) == 1


async def test_only_what_is_shown_of_a_long_print_is_seen(lab: Lab) -> None:
    found = await ran(lab, "print(context)", "FINAL(1)")
    assert coverage(found) == {"1/c1": [0, 6000, len(INPUT) - 1999, len(INPUT)]}


async def test_level_below_has_seen_what_it_was_given(lab: Lab) -> None:
    found = await ran(lab, "FINAL(rlm_query('One', context[100:4100]))")
    assert coverage(found) == {"1/1/0": [100, 4100]}


async def test_direct_run_saw_all(lab: Lab) -> None:
    found = await ran(lab, "42", mode="direct")
    assert coverage(found) == {"1": [0, len(INPUT)]}


def test_ranges_are_bounded_by_the_input() -> None:
    spec = RunSpec(RUN_ID, "Root", "big", context=ContextInfo("text", 100))
    assert data(spec, [0, 50, 90, 120]) == {"coverage": [0, 50]}
    assert data(spec, []) == {}
    assert data(RunSpec(RUN_ID, "Root", "big"), [0, 5]) == {}
    assert len(data(RunSpec(RUN_ID, "R", "big", context=ContextInfo("text", 9_999)), range(2_000))["coverage"]) == 512
