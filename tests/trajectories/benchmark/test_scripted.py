"""Scripted roots, the faults around them, and the environment of an engine test's own installation."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rlmlab.engine.prompts import full
from rlmlab.engine.prompts.direct import message as direct_message
from rlmlab.modelserver.scripted.replies import Call, Reply
from sandbox.guest.restricted.policy import compile_cell
from trajectories.benchmark.scripted import cells
from trajectories.benchmark.scripted.apart import apart
from trajectories.benchmark.scripted.faults import REPLY_FAULTS, Faulty, GuestKiller, guests_of
from trajectories.benchmark.scripted.root import ScriptedModel, model_of
from trajectories.benchmark.tasks.families import FAMILIES, make_task

TASK = make_task("oolong-count", number=0, size=6_000, seed=1)
MODEL = ScriptedModel([TASK])
FORKS = """
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(60)
    os.wait()
else:
    os.wait()
"""


def call(text: str, *, model: str = "scripted-direct", system: str = "You answer.", attempt: int = 0) -> Call:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return Call(model, messages, {}, attempt)


@pytest.mark.parametrize("family", FAMILIES)
def test_cells_are_of_the_restricted_language_and_solve_the_task(family: str):
    entry, task = FAMILIES[family], make_task(family, number=2, size=8_000, seed=4)
    for cell in (cells.alone(entry, task.ask), cells.root(entry, task.ask, 2), cells.share(entry, task.ask, 0)):
        compile_cell(cell, "<cell>")

    def llm_query_batched(prompts: Sequence[str]) -> list[str]:
        return [ScriptedModel([])(call(prompt)).text for prompt in prompts]

    def rlm_query_batched(tasks: Sequence[str], contexts: Sequence[str]) -> list[Any]:
        told = [json.loads(text.removeprefix(cells.SHARE)) for text in tasks]
        return [
            run(cells.share(FAMILIES[each["family"]], each["ask"], each["levels"]), context)
            for each, context in zip(told, contexts, strict=True)
        ]

    def run(cell: str, context: str) -> Any:
        answer: dict[str, Any] = {}
        functions = {"llm_query_batched": llm_query_batched, "rlm_query_batched": rlm_query_batched}
        exec(cell, {"context": context, "answer": answer, **functions})  # noqa: S102 - our own code
        assert answer["ready"] is True
        return answer["content"]

    assert run(cells.alone(entry, task.ask), task.context()) == task.gold
    assert run(cells.root(entry, task.ask, 2), task.context()) == task.gold


def test_direct_call_is_answered_from_the_input_in_the_message():
    asked = direct_message(TASK.question, [("", TASK.context())], None)
    assert MODEL(call(asked)).text == str(TASK.gold)


def test_arms_have_their_own_ways():
    opening = f"Task: {TASK.question}\n\n`context` is a str of 6,000 bytes."
    alone, shared = (MODEL(call(opening, model=model_of(arm), system=full.SYSTEM)).text for arm in ("repl", "rlm2"))
    assert "rlm_query_batched" not in alone
    assert '"levels": 1' in shared
    asked = f"Task: {cells.SHARE}{json.dumps({'family': 'code', 'ask': {'kind': 'value'}, 'levels': 0})}\n\nmore"
    child = MODEL(call(asked, model=model_of("rlm2"), system=full.SYSTEM)).text
    assert "llm_query_batched" in child
    assert "rlm_query" not in child


def test_unknown_task_is_refused():
    reply = MODEL(call("Task: What else?"))
    assert (reply.status, "no such task" in reply.error) == (400, True)


def test_faults_meet_a_third_of_the_calls_once():
    faulty = Faulty(lambda _: Reply("fine"), ["429", "cut"], seed=1)
    first = [faulty(call(f"{number}")) for number in range(300)]
    assert 60 < faulty.met.total() < 140
    assert set(faulty.met) == {"429", "cut"}
    assert sum(reply != Reply("fine") for reply in first) == faulty.met.total()
    assert all(faulty(call(f"{number}", attempt=1)) == Reply("fine") for number in range(300))
    again = Faulty(lambda _: Reply("fine"), ["429", "cut"], seed=1)
    assert [again(call(f"{number}")) for number in range(300)] == first


def test_without_faults_every_answer_is_fine():
    faulty = Faulty(lambda _: Reply("fine"), ["sandbox"], seed=1)
    assert all(faulty(call(f"{number}")) == Reply("fine") for number in range(50))


def test_each_fault_changes_the_reply():
    changed = {name: fault(Reply("fine")) for name, fault in REPLY_FAULTS.items()}
    assert (changed["429"].status, changed["500"].status) == (429, 500)
    assert (changed["cut"].cut_after_chunks, changed["slow"].delay_seconds) == (2, 0.5)
    assert changed["malformed"].malformed_chunk


def test_guests_are_the_grandchildren_and_are_killed():
    with subprocess.Popen([sys.executable, "-c", FORKS]) as process:
        deadline = time.monotonic() + 10
        while not (guests := list(guests_of(process.pid))) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(guests) == 1
        with GuestKiller(process.pid, seed=1) as killer:
            assert process.wait(10) == 0
        assert killer.killed == 1
        assert list(guests_of(process.pid)) == []


def test_own_installation_shares_no_server_with_others(tmp_path: Path):
    environ = apart({"DATABASE_URL": "postgres://x", "REDIS_URL": "redis://x", "PATH": "/bin"}, tmp_path)
    assert environ["RLMLAB_DATA_DIR"] == str(tmp_path)
    assert environ["PATH"] == "/bin"
    assert not {"DATABASE_URL", "REDIS_URL"} & environ.keys()
