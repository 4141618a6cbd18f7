"""What a model is told."""

import pytest

from rlmlab.engine.budget import text_bound
from rlmlab.engine.prompts import compact, full, opening, plain, texts
from rlmlab.engine.providers.base import ModelInfo, Price
from rlmlab.engine.subcalls import FUNCTIONS
from rlmlab.engine.types import ContextInfo, ContextPartInfo
from tests.engine.conftest import Lab
from tests.engine.fakes.provider import ScriptedProvider, turns

BIG = ModelInfo("big", Price(1e-6, 1e-6))
SMALL = ModelInfo("tiny", None, context_window=4_096, small=True)
LEFT = {"tokens": 9_000, "cost_usd": 0.5, "sub_calls": 3, "steps": 2, "seconds": 61.4, "depth": 1}


@pytest.mark.parametrize("text", [full.SYSTEM, compact.SYSTEM, "My own rules." + full.CONTRACT])
def test_prompt_of_an_rlm_level_names_the_repl_and_how_to_submit(text: str) -> None:
    assert "REPL" in text
    assert 'answer["content"]' in text


def test_prompt_of_a_plain_question_names_neither() -> None:
    assert "REPL" not in plain.SYSTEM
    assert "answer[" not in plain.SYSTEM


def test_full_prompt_names_every_function_and_stays_small() -> None:
    assert all(f"`{function}(" in full.SYSTEM for function in FUNCTIONS)
    assert "[SubCallError: reason]" in full.SYSTEM
    assert text_bound(full.SYSTEM) < 1_300


def test_runs_own_prompt_gets_the_rules_it_lacks() -> None:
    assert opening.system_text(BIG, "Be brief.") == "Be brief.\n" + full.CONTRACT
    taught = 'In the REPL set answer["content"].'
    assert opening.system_text(BIG, taught) == taught


def test_small_model_gets_worked_examples() -> None:
    assert opening.system_text(SMALL, None) == compact.SYSTEM
    assert opening.examples(SMALL) == compact.EXAMPLES
    assert opening.examples(BIG) == ()
    roles = [role for role, _ in compact.EXAMPLES]
    assert roles == ["user", "assistant"] * (len(roles) // 2)


async def test_small_models_conversation_opens_with_its_examples(lab: Lab) -> None:
    provider = ScriptedProvider(turns("```repl\nFINAL(1)\n```"), infos={"tiny": SMALL})
    ran = await lab.run(provider.script, provider=provider, model="tiny")
    sent = [(message.role, message.content) for message in ran.provider.requests[0].messages]
    assert sent[0] == ("system", compact.SYSTEM)
    assert sent[1 : 1 + len(compact.EXAMPLES)] == list(compact.EXAMPLES)
    assert sent[-1][1].startswith("Task: Root\n\n")
    assert sent[-1][1].splitlines()[-1].startswith("[Budget left: 30 steps")
    bound = sum(text_bound(content) for _, content in sent)
    assert provider.requests[0].max_tokens == SMALL.context_window - bound


async def test_small_model_with_a_prompt_of_its_own_keeps_the_examples(lab: Lab) -> None:
    provider = ScriptedProvider(turns("```repl\nFINAL(1)\n```"), infos={"tiny": SMALL})
    await lab.run(provider.script, provider=provider, model="tiny", system_prompt="Be brief.")
    sent = [(message.role, message.content) for message in provider.requests[0].messages]
    assert sent[0] == ("system", "Be brief.\n" + full.CONTRACT)
    assert sent[1 : 1 + len(compact.EXAMPLES)] == list(compact.EXAMPLES)


@pytest.mark.parametrize(
    ("context", "told"),
    [
        (None, "There is no input: `context` is None."),
        (ContextInfo("text", 1_234_567), "`context` is a str of 1,234,567 bytes."),
        (ContextInfo("json", 12), "`context` is a JSON value of 12 bytes: a list, a dict or a plain value."),
        (
            ContextInfo("files", 30, (ContextPartInfo("a.txt", 10), ContextPartInfo("b'.txt", 20))),
            "`context` is a dict of 2 files, name -> text, 30 bytes: 'a.txt' (10 bytes), \"b'.txt\" (20 bytes).",
        ),
    ],
)
def test_input_is_described(context: ContextInfo | None, told: str) -> None:
    assert texts.describe(context) == told


def test_many_files_are_not_all_listed() -> None:
    parts = tuple(ContextPartInfo(f"{number}.txt", 1) for number in range(1_060))
    told = texts.describe(ContextInfo("files", 1_060, parts))
    assert told.endswith("'49.txt' (1 bytes) and 1,010 more.")


def test_task_message_has_task_input_form_and_budget() -> None:
    told = texts.task_message("Count.", None, {"type": "integer"}, texts.left_line(LEFT))
    assert told.split("\n\n") == [
        "Task: Count.",
        "There is no input: `context` is None.",
        'The answer must be a JSON value that matches this JSON Schema:\n{"type": "integer"}',
        "[Budget left: 2 steps, 9,000 tokens, $0.5000, 3 sub-calls, 61 s, 1 levels of rlm_query.]",
    ]


def test_last_step_is_announced_and_an_unlimited_cost_is_not() -> None:
    line = texts.left_line({**LEFT, "steps": 1, "cost_usd": None})
    assert "$" not in line
    assert line.endswith("The next step is your last: submit in it.]")


def test_fallback_asks_for_the_wanted_form() -> None:
    assert "as plain text and nothing else" in texts.fallback_request("max_steps", None)
    assert 'as one JSON value that matches {"type": "null"}' in texts.fallback_request("max_steps", {"type": "null"})


async def test_runs_own_prompt_is_sent(lab: Lab) -> None:
    ran = await lab.run(turns("```repl\nFINAL(1)\n```"), system_prompt="Be brief.")
    assert ran.provider.requests[0].messages[0].content.startswith("Be brief.\n\nYou work in a Python REPL")


async def test_seed_and_output_limit_are_sent(lab: Lab) -> None:
    ran = await lab.run(turns("```repl\nFINAL(1)\n```"), seed=7)
    assert (ran.provider.requests[0].seed, ran.provider.requests[0].max_tokens) == (7, 8_192)
    assert ran.provider.requests[0].timeout_seconds == pytest.approx(600, abs=1)
