"""The list of runs while it is open."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visitor
from tests.browser.test_accessibility import violations
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant, make_member
from tests.fakes.model_server import ModelServer
from tests.live import Process, wait_until
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.models import Run
from trajectories.queries import runs_page

LIST = "/o/acme/p/demo/runs"


@pytest.fixture
def script(model_server: ModelServer, console_worker: Process) -> Iterator[ModelServer]:
    """The model server, emptied afterwards."""
    yield model_server
    model_server.release()
    model_server.reset()


def finished(acme: Tenant, task: str, **fields: Any) -> Run:
    """Have the worker finish a run."""
    run = make_run(acme.principal, acme.project, model="openai/submit", task=task, **fields)
    wait_until(lambda: reload(run).is_terminal, 20)
    return run


def test_a_row_changes_in_place_when_its_run_ends(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hold", task="Hold on")
    page = ada_browser.open(LIST)
    row = page.locator(f"tr[data-run='{run.id}']")
    expect(row).to_contain_text("Running")
    script.release()
    expect(row).to_contain_text("Succeeded")


def test_a_row_goes_when_the_query_no_more_means_its_run(
    ada_browser: Visitor, script: ModelServer, acme: Tenant
) -> None:
    make_run(acme.principal, acme.project, model="openai/hold", task="Hold on")
    wait_until(lambda: runs_page(acme.principal, acme.project, query="status:running").items, 20)
    page = ada_browser.open(f"{LIST}?query=status:running")
    expect(page.locator("tr[data-run]")).to_have_count(1)
    script.release()
    expect(page.get_by_role("heading", name="No run matches")).to_be_visible()


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


def titles(page: Page) -> Locator:
    return page.locator("tr[data-run] a.cover")


def test_facets_and_chips_edit_the_query(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    finished(acme, "Right", tags=["night"])
    wrong = finished(acme, "Wrong")
    rate_run(by=acme.principal, run=wrong, judgement=Judgement("correct", 0.0, correction="43"))
    make_run(acme.principal, acme.project, model="openai/hold", task="Held")
    page = ada_browser.open(LIST)
    expect(titles(page)).to_have_text(["Held", "Wrong", "Right"])
    status = page.locator("[data-facet=Status]")
    status.locator("summary").click()
    status.get_by_role("link", name="Succeeded 2").click()
    expect(titles(page)).to_have_text(["Wrong", "Right"])
    expect(status).to_have_attribute("open", "")  # for a second choice
    status.get_by_role("link", name="Running 1").click()
    expect(titles(page)).to_have_text(["Held", "Wrong", "Right"])
    expect(page.locator("#query")).to_have_value("status:succeeded,running")
    page.keyboard.press("Escape")
    page.locator("[data-facet=Rating] summary").click()
    page.get_by_role("link", name="Corrected").click()
    expect(titles(page)).to_have_text(["Wrong"])
    expect(page).to_have_url(f"{ada_browser.url}{LIST}?query=status%3Asucceeded%2Crunning%20has%3Acorrection")
    page.get_by_role("link", name="Take out has:correction").click()
    expect(titles(page)).to_have_count(3)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#query")).to_have_value("")
    expect(page.locator(".runs-chip")).to_have_count(0)


def test_a_query_that_cannot_be_read_is_explained_as_one_types(
    ada_browser: Visitor, script: ModelServer, acme: Tenant
) -> None:
    ada_browser.expects("422")
    finished(acme, "Count apples")
    page = ada_browser.open(LIST)
    page.locator("#query").fill("depth:deep")
    expect(page.get_by_role("alert")).to_contain_text("a whole number, as 3, >3, <=3 or 2..4")
    page.locator("#query").fill("depth:<3")
    expect(titles(page)).to_have_text(["Count apples"])
    expect(page.get_by_role("alert")).to_have_count(0)


def test_tags_are_changed_in_the_row(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    ada_browser.expects("422")
    finished(acme, "Other", tags=["night"])
    run = finished(acme, "Mine", tags=["old"])
    page = ada_browser.open(LIST)
    page.keyboard.press("j")
    page.keyboard.press("t")
    dialog = page.get_by_role("dialog", name="Tags")
    expect(dialog).to_contain_text("Mine")
    dialog.get_by_role("button", name="Take away old").click()
    dialog.get_by_role("button", name="Add night").click()
    page.keyboard.type(" two words ")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Save").click()
    row = page.locator(f"tr[data-run='{run.id}']")
    expect(row.locator(".chip")).to_have_text(["night", "two words"])
    assert reload(run).tags == ["night", "two words"]
    expect(row).to_have_attribute("aria-selected", "true")
    row.hover()
    row.get_by_role("button", name="Change the tags of Mine").click()
    for number in range(19):
        page.keyboard.type(str(number))
        page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text("The list has 21 items; 20 are allowed")
    dialog.get_by_role("button", name="Cancel").click()
    assert reload(run).tags == ["night", "two words"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_menus_marks_and_the_tag_editor(
    visit: Callable[..., Visitor], script: ModelServer, acme: Tenant, scheme: str
) -> None:
    run = finished(acme, "Mine", tags=["a", "b", "c"])
    rate_run(by=acme.principal, run=run, judgement=Judgement("correct", 0.0, correction="43"))
    rate_run(by=make_member(acme.organization, "eve@acme.example"), run=run, judgement=Judgement("correct", 1.0))
    visitor = visit(acme, color_scheme=scheme, reduced_motion="reduce")
    page = visitor.open(f"{LIST}?query=tag:a%20-status:failed")
    expect(page.locator("tr[data-run]")).to_contain_text("disputed")
    page.locator("[data-facet=Tag] summary").click()
    assert violations(page) == []
    page.locator(".runs-help summary").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("tr[data-run]").hover()
    page.locator("[data-edit-tags]").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


def test_a_narrow_list_keeps_what_matters(visit: Callable[..., Visitor], script: ModelServer, acme: Tenant) -> None:
    run = finished(acme, "A title that is far too long for a telephone")
    rate_run(by=acme.principal, run=run, judgement=Judgement("correct", 1.0))
    page = visit(acme, viewport={"width": 390, "height": 800}).open(LIST)
    assert page.locator("thead th:visible").all_inner_texts() == [
        "Status",
        "Run",
        "Rating",
        "Cost",
        "Started",
    ]
    wrap = page.locator(".table-wrap")
    assert wrap.evaluate("element => element.scrollWidth <= element.clientWidth")
