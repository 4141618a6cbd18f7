"""Everyday Python as models write it."""

import json
from pathlib import Path

import pytest

from tests.sandbox.conftest import OpenSession
from tests.sandbox.driver import run

pytestmark = pytest.mark.asyncio(loop_scope="module")

IDIOMS = json.loads((Path(__file__).parent.parent / "idioms.json").read_text("utf-8"))


@pytest.mark.parametrize("idiom", [pytest.param(each, id=each["id"]) for each in IDIOMS])
async def test_idiom_runs(open_session: OpenSession, idiom: dict[str, str]) -> None:
    ran = await run(await open_session(), idiom["code"])
    assert ran.value == idiom["result"]
