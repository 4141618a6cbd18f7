"""Pausing, going on, retrying: the run page's buttons and keys, against a real worker."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from rlmlab.modelserver.scripted.replies import Reply, code, submit
from tests.browser.conftest import Visitor
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import turns
from tests.live import Process


@pytest.fixture
def script(model_server: ModelServer, console_worker: Process) -> Iterator[ModelServer]:
    """The model server, emptied afterwards."""
    yield model_server
    model_server.release()
    model_server.reset()


def test_run_is_paused_and_goes_on_under_other_limits(script: ModelServer, acme: Tenant, ada_browser: Visitor) -> None:
    ada_browser.expects("422")
    slowly = Reply(code("print('first')"), hold_after_chunks=1)
    script.behave("slow", turns(slowly, code("print('second')"), submit("42")))
    run = make_run(acme.principal, acme.project, model="openai/slow")
    page = ada_browser.open(f"/runs/{run.id}")
    status = page.locator("[data-part=status]")
    expect(page.locator(".said-live, .waiting")).to_be_visible()
    page.keyboard.press("p")
    expect(status).to_have_text("Pausing")
    script.release()
    expect(status).to_have_text("Paused")
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    page.get_by_role("button", name="Resume").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Steps").fill("none")
    dialog.get_by_role("button", name="Resume").click()
    expect(dialog.locator("[data-error-for='budget.max_steps']")).not_to_be_empty()
    dialog.get_by_label("Steps").fill("12")
    dialog.get_by_role("button", name="Resume").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("rlm-answer")).to_contain_text("42")
    expect(page.locator("article.step")).to_have_count(3)
    expect(page.locator(".cell")).to_have_count(3)
    assert (reload(run).max_steps, reload(run).status) == (12, "succeeded")
    expect(page.locator("rlm-cells")).to_contain_text("The run is paused")


def test_run_that_failed_is_retried_in_a_new_one(script: ModelServer, acme: Tenant, ada_browser: Visitor) -> None:
    script.behave("breaks", turns(code("print('good')"), Reply(status=400)))
    run = make_run(acme.principal, acme.project, model="openai/breaks", title="Breaks")
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator("[data-part=status]")).to_have_text("Failed")
    script.behave("breaks", turns(code("print('good')"), submit("42")))
    page.keyboard.press("R")
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    page.wait_for_url(re.compile(rf"/runs/(?!{run.id})"))
    expect(page.locator("rlm-answer")).to_contain_text("42")
    expect(page.locator(".run-lineage")).to_contain_text("Retries Breaks")
    expect(page.locator(".cell")).to_have_count(2)


def test_limit_that_stopped_a_run_is_raised(script: ModelServer, acme: Tenant, ada_browser: Visitor) -> None:
    script.behave("long", turns(code("print('one')"), code("print('two')"), submit("42")))
    run = make_run(acme.principal, acme.project, model="openai/long", title="Long", budget={"max_steps": 1})
    page = ada_browser.open(f"/runs/{run.id}")
    page.get_by_role("button", name="Continue").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Steps").fill("9")
    dialog.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile(rf"/runs/(?!{run.id})"))
    expect(page.locator("rlm-answer")).to_contain_text("42")
    expect(page.locator(".run-lineage")).to_contain_text("Goes on from Long")
