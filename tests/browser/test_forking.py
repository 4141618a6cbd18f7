"""Forking a run in a browser: what is shared, what is different, what the server refuses, and the fork's page."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from rlmlab.modelserver.scripted.replies import Reply, code, submit
from tests.browser.conftest import Visitor
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import turns
from tests.live import Process
from trajectories.models import Run
from trajectories.queries import run_for


@pytest.fixture
def script(model_server: ModelServer, console_worker: Process) -> Iterator[ModelServer]:
    """The model server, emptied afterwards."""
    yield model_server
    model_server.release()
    model_server.reset()


def finished(script: ModelServer, acme: Tenant, visitor: Visitor) -> tuple[Page, Run]:
    script.behave("three", turns(code("x = llm_query('one')\nprint(x)"), code("print('second')"), submit("1")))
    run = make_run(acme.principal, acme.project, model="openai/three", title="Three steps")
    page = visitor.open(f"/runs/{run.id}")
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    expect(page.locator("article.step")).to_have_count(3)
    return page, run


def test_step_is_done_otherwise_in_a_fork(script: ModelServer, acme: Tenant, ada_browser: Visitor) -> None:
    page, run = finished(script, acme, ada_browser)
    page.get_by_role("link", name="Fork from Step 2").click()
    page.wait_for_url("**/fork?at=*")
    plan = page.locator("[data-part=plan]")
    expect(plan).to_contain_text("Replayed without cost: 1 step, 2 model calls")
    expect(plan).to_contain_text("Made anew: Step 2 asks three, and all that follows")
    expect(page.locator("rlm-cells article.step")).to_have_count(1)
    expect(page.locator("rlm-cells")).to_contain_text("x = llm_query('one')")
    expect(page.locator("#code")).to_have_value("print('second')")
    page.keyboard.press("j")
    expect(plan).to_contain_text("Step 3")
    expect(page.locator("rlm-cells article.step")).to_have_count(2)
    page.keyboard.press("k")
    page.locator("#code").fill("FINAL(x + '!')")
    expect(page.locator("[data-part=use-code]")).to_be_checked()
    expect(plan).to_contain_text("Step 2 runs your code, without asking the model")
    page.get_by_text("The same request from a shell").click()
    expect(page.locator("[data-part=curl]")).to_contain_text(f"/api/v1/runs/{run.id}/fork")
    expect(page.locator("[data-part=curl]")).to_contain_text('"code":"FINAL(x +')
    calls = len(script.calls)
    page.locator("#code").press("Control+Enter")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]+$"))
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    fork = run_for(acme.principal, UUID(page.url.rsplit("/", 1)[-1]))
    assert (fork.status, fork.model_calls, len(script.calls)) == ("succeeded", 0, calls)
    expect(page.locator(".run-lineage")).to_contain_text("Forked from Three steps at step 1")
    expect(page.locator("rlm-cells")).to_contain_text("A person's code")
    expect(page.locator("rlm-tree .chip").first).to_have_text("shared")
    page.get_by_role("link", name="Three steps", exact=True).click()
    page.get_by_text("From this run: 1 fork").click()
    expect(page.locator(".run-descendants")).to_contain_text("List them all")


def test_what_is_refused_stands_at_its_field(script: ModelServer, acme: Tenant, ada_browser: Visitor) -> None:
    ada_browser.expects("422")
    page, _ = finished(script, acme, ada_browser)
    page.keyboard.press("f")
    page.wait_for_url("**/fork")
    expect(page.locator("[data-part=plan]")).to_contain_text("Step 3 asks three")
    page.get_by_label("Model", exact=True).fill("nobody/knows")
    page.locator(".fork-more summary").click()
    page.get_by_label("Tokens").fill("many")
    page.get_by_role("button", name="Fork").click()
    expect(page.locator("[data-error-for='budget.max_tokens']")).not_to_be_empty()
    page.get_by_label("Tokens").fill("")
    page.get_by_role("button", name="Fork").click()
    expect(page.locator("[data-error-for=model]")).to_contain_text("nobody")
    expect(page.get_by_label("Model", exact=True)).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")


def test_run_that_works_is_forked_too(script: ModelServer, acme: Tenant, ada_browser: Visitor) -> None:
    script.behave("held", turns(code("print('first')"), Reply(submit("42"), hold_after_chunks=1)))
    run = make_run(acme.principal, acme.project, model="openai/held")
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator("article.step")).to_have_count(2)
    page.get_by_role("link", name="Fork", exact=True).click()
    expect(page.locator("[data-part=plan]")).to_contain_text("1 model call")
    page.locator("#code").fill("FINAL('other')")
    page.get_by_role("button", name="Fork").click()
    expect(page.locator("rlm-answer")).to_contain_text("other")
