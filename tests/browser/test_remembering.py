"""Memory: kept, pinned, edited, forgotten and brought back by people; recalled and kept by a run, which shows it."""

import re

from playwright.sync_api import Page, expect

from memory import actions, queries
from tests.browser.conftest import Visitor
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import code, submit, turns
from tests.live import Process, wait_until
from trajectories.actions.examples import make_example
from trajectories.actions.ratings import Judgement, rate_run

MEMORY = "/o/acme/p/demo/memory"


def texts(page: Page) -> list[str]:
    return page.locator(".memory-text").all_inner_texts()


def test_a_person_keeps_pins_edits_forgets_and_brings_back(ada_browser: Visitor, acme: Tenant) -> None:
    page = ada_browser.open(MEMORY)
    expect(page.locator(".empty")).to_contain_text("No memories yet")
    page.get_by_label("Text").fill("Prices are in euros.")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("status")).to_contain_text("Kept.")
    actions.add_memory(by=acme.principal, project=acme.project, text="The sky is blue.")
    page.reload()
    assert texts(page) == ["The sky is blue.", "Prices are in euros."]
    page.get_by_role("button", name="Pin “Prices are in euros.”").click()
    expect(page.locator(".memory.is-pinned")).to_contain_text("Prices are in euros.")
    assert texts(page) == ["Prices are in euros.", "The sky is blue."]
    page.get_by_role("link", name="Edit “Prices are in euros.”").click()
    page.get_by_label("Text").fill("Prices are in dollars.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("ins")).to_contain_text("dollars")
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_role("status")).to_contain_text("Forgotten. Prices are in dollars.")
    assert texts(page) == ["The sky is blue."]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".memory-text").first).to_have_text("The sky is blue.")
    expect(page.locator(".memory-text")).to_have_count(2)


def test_search_changes_the_list_in_place(ada_browser: Visitor, acme: Tenant) -> None:
    for text in ("Prices are in euros.", "The sky is blue."):
        actions.add_memory(by=acme.principal, project=acme.project, text=text)
    page = ada_browser.open(MEMORY)
    page.locator("body").press("/")
    page.keyboard.type("price")
    expect(page.locator(".memory-text")).to_have_text(["Prices are in euros."])
    expect(page).to_have_url(re.compile("query=price"))
    expect(page.locator("time").first).not_to_contain_text("UTC")


def test_erasing_asks_first(ada_browser: Visitor, acme: Tenant) -> None:
    memory = actions.add_memory(by=acme.principal, project=acme.project, text="Ada's number is 555.").memory
    page = ada_browser.open(f"{MEMORY}/{memory.id}")
    button = page.get_by_role("button", name="Erase it for good")
    expect(button).to_be_hidden()
    page.get_by_text("Erase for good…").click()
    button.click()
    expect(page.locator(".page-body")).to_contain_text("Erased for good")
    assert queries.counts_of(acme.principal, acme.project) == {"active": 0, "forgotten": 0, "erased": 1}


def test_a_run_shows_what_it_was_told_recalled_and_kept(
    ada_browser: Visitor, console_worker: Process, model_server: ModelServer, acme: Tenant
) -> None:
    memory = actions.add_memory(by=acme.principal, project=acme.project, text="Prices are in euros.").memory
    actions.pin_memory(by=acme.principal, memory_id=memory.id, pinned=True)
    cell = 'recall("euros")\nrecall("zebra")\nremember("The archive has 3 parts.")'
    model_server.behave("remembering", turns(code(cell), submit("done")))
    run = make_run(acme.principal, acme.project, model="openai/remembering", use_memory=True)
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    model_server.reset()
    page.get_by_role("button", name="Show what it was reminded of (1 pinned memory)").click()
    expect(page.locator(".level-head .told")).to_contain_text("Prices are in euros.")
    heads = page.locator(".calls-head")
    expect(heads.first).to_contain_text("2")
    heads.first.click()
    expect(page.locator(".calls-list")).to_contain_text("nothing found")
    page.locator(".calls-list .calls-head").first.click()
    expect(page.locator(".calls-body").first).to_contain_text("fact · stated by a person")
    heads.filter(has_text="remember").click()
    expect(page.locator(".calls").last).to_contain_text("Kept for later runs")
    learned = page.locator("rlm-learned")
    expect(learned).to_contain_text("1 pinned · 1 recalled · 1 kept · 2 searches, 1 in vain")
    learned.get_by_role("link", name="The archive has 3 parts.").click()
    expect(page.locator(".page-body")).to_contain_text("kept by a run")


def test_the_launch_form_shows_and_sends_what_may_be_used(
    ada_browser: Visitor, console_worker: Process, model_server: ModelServer, acme: Tenant
) -> None:
    model_server.behave("counting", turns(submit("3")))
    run = make_run(acme.principal, acme.project, model="openai/counting", task="Count the birds.")
    wait_until(lambda: reload(run).is_terminal, what="the run")
    rate_run(by=acme.principal, run=run, judgement=Judgement("correct", 1.0))
    make_example(by=acme.principal, run=run)
    page = ada_browser.open("/o/acme/p/demo/runs/new")
    page.get_by_label("Task").fill("How many birds?")
    chosen = page.locator("[data-part=chosen]")
    expect(chosen).to_be_hidden()
    page.get_by_label("Use examples").check()
    expect(chosen).to_contain_text("Count the birds. a run rated correct; number 1")
    page.get_by_label("Task").fill("Paint it.")
    expect(chosen).to_have_text("No example fits this task yet.")
    page.get_by_label("Use memory").check()
    page.reload()
    expect(page.get_by_label("Use memory")).to_be_checked()
    page.get_by_label("Task").fill("How many birds?")
    page.get_by_label("Model", exact=True).fill("openai/counting")
    with page.expect_request("**/api/v1/projects/demo/runs") as sent:
        page.get_by_role("button", name="Launch").click()
    body = sent.value.post_data_json or {}
    assert (body["use_examples"], body["use_memory"]) == (True, True)
    expect(page.locator("rlm-learned")).to_contain_text("a run rated correct; number 1 by shared words of the task")
    model_server.reset()
