"""The map of a run's input: drawn, chosen from, and warning where a question about all left much out."""

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import code, submit, turns
from tests.live import Process

CHANCE = random.Random(9)  # noqa: S311 - a text, no secret
INPUT = " ".join(str(CHANCE.random()) for _ in range(2_000))


@pytest.fixture
def script(model_server: ModelServer, console_worker: Process) -> Iterator[ModelServer]:
    """The model server, emptied afterwards."""
    yield model_server
    model_server.release()
    model_server.reset()


def test_map_shows_who_read_what(script: ModelServer, acme: Tenant, ada_browser: Visitor) -> None:
    asks = code("print(context[:500])\nllm_query('Read: ' + context[5000:9000])")
    script.behave("reads", turns(asks, submit("7")))
    task = "How many numbers are there?"
    run = make_run(acme.principal, acme.project, model="openai/reads", task=task, context=INPUT)
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    coverage = page.locator("rlm-coverage")
    expect(coverage.locator(".is-read")).to_have_count(2)
    expect(coverage.locator(".notice")).to_contain_text("seems to ask about the whole input, but 8")
    coverage.get_by_role("button", name="llm_query").click()
    expect(page.locator(".details-head h2")).to_contain_text("llm_query")
    expect(coverage.locator(".is-chosen")).to_have_count(1)
