"""The list of runs while it is open."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.live import Process, wait_until
from trajectories.models import Run

LIST = "/o/acme/p/demo/runs"


@pytest.fixture
def script(model_server: ModelServer, console_worker: Process) -> Iterator[ModelServer]:
    """The model server, emptied afterwards."""
    yield model_server
    model_server.release()
    model_server.reset()


def finished(acme: Tenant, task: str) -> Run:
    """Have the worker finish a run."""
    run = make_run(acme.principal, acme.project, model="openai/submit", task=task)
    wait_until(lambda: reload(run).is_terminal, 20)
    return run


def test_a_row_changes_in_place_when_its_run_ends(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hold", task="Hold on")
    page = ada_browser.open(LIST)
    row = page.locator(f"tr[data-run='{run.id}']")
    expect(row).to_contain_text("Running")
    script.release()
    expect(row).to_contain_text("Succeeded")


def test_new_runs_wait_behind_a_pill(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    finished(acme, "The first")
    page = ada_browser.open(LIST)
    expect(page.locator("tr[data-run]")).to_have_count(1)
    finished(acme, "The second")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    pill = page.get_by_role("button", name="1 new run")
    expect(pill).to_be_visible()
    expect(page.locator("tr[data-run]")).to_have_count(1)
    pill.click()
    expect(page.locator("tr[data-run]")).to_have_count(2)


def test_the_filter_works_as_one_types_and_stays_in_the_address(
    ada_browser: Visitor, script: ModelServer, acme: Tenant
) -> None:
    finished(acme, "Count apples")
    finished(acme, "Count pears")
    page = ada_browser.open(LIST)
    page.keyboard.press("/")
    page.keyboard.type("pears")
    expect(page.locator("tr[data-run]")).to_have_count(1)
    expect(page.locator("tr[data-run]")).to_contain_text("Count pears")
    expect(page).to_have_url(f"{ada_browser.url}{LIST}?query=pears")
    page.reload()
    expect(page.locator("tr[data-run]")).to_have_count(1)


def test_the_keyboard_walks_the_list_and_opens_a_run(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    finished(acme, "Older")
    newest = finished(acme, "Newest")
    page = ada_browser.open(LIST)
    page.keyboard.press("j")
    expect(page.locator("tr[aria-selected=true]")).to_contain_text("Newest")
    page.keyboard.press("j")
    expect(page.locator("tr[aria-selected=true]")).to_contain_text("Older")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{newest.id}")
