"""The adversarial corpus: each snippet ends as its entry says, and the environment is none the worse."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.base import Environment, Profile
from sandbox.errors import Refused
from tests.sandbox.conftest import OpenSession
from tests.sandbox.driver import Recorder, run
from tests.sandbox.outcomes import outcome

pytestmark = pytest.mark.asyncio(loop_scope="module")

CORPUS = json.loads((Path(__file__).parent.parent / "redteam.json").read_text("utf-8"))
QUOTA = 50
BRIEF = Profile("brief", 0.5, 192 << 20)
PATIENT = Profile("patient", 5, 192 << 20)  # where the snippet's own work must end first


def quota() -> Recorder:
    """A host that answers fifty calls."""
    recorder = Recorder()

    def answer(_: object) -> str:
        if len(recorder.calls) > QUOTA:
            raise Refused("BudgetExceeded", "the quota is used up")
        return "ok"

    recorder.functions["llm_query"] = answer
    return recorder


@pytest.mark.parametrize("entry", [pytest.param(each, id=each["id"]) for each in CORPUS])
async def test_snippet_ends_as_expected(
    environment: Environment, open_session: OpenSession, entry: dict[str, Any]
) -> None:
    expected = entry.get("expect_by_environment", {}).get(environment.name, entry["expect"])
    profile = BRIEF if expected == "killed_time" else PATIENT
    session = await open_session(profile=profile, functions=("llm_query",))
    ran = await run(session, entry["code"], quota())
    assert outcome(ran.result) == expected, ran.result
    assert len(ran.text("stdout")) + len(ran.text("result")) <= profile.output_bytes
    assert "/" not in "".join(line for line in ran.text("error").splitlines() if line.lstrip().startswith("File"))
    if ran.result.alive:
        assert (await run(session, "print(len([1, 2]))\nllm_query", quota())).result.status in {"ok", "error"}


async def test_sibling_is_untouched_by_all_that(open_session: OpenSession) -> None:
    ran = await run(await open_session(), "import json\nlen([1]), json.dumps([1]), ().__len__()")
    assert ran.value == "(1, '[1]', 0)"
