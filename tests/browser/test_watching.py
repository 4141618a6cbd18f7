"""Watching a run: live, stopped, reloaded, in a second tab, over a line that breaks."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Reply, code, submit, turns
from tests.live import Process, wait_until
from trajectories.models import Run
from trajectories.queries import events_page


@pytest.fixture
def script(model_server: ModelServer, console_worker: Process) -> Iterator[ModelServer]:
    """The model server, emptied afterwards."""
    yield model_server
    model_server.release()
    model_server.reset()


def launch(acme: Tenant, model: str, **fields: object) -> Run:
    return make_run(acme.principal, acme.project, model=f"openai/{model}", **fields)


def events_shown(page: Page) -> int:
    text = page.locator("[data-part=loaded]").inner_text()
    return int(re.sub(r"\D", "", text.split(" ")[0]))


def connection(page: Page, state: str) -> None:
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", state)


def is_complete(page: Page, run: Run) -> None:
    """The page has every event of the run once, and shows what plain reading of the record gives."""
    connection(page, "ended")
    stored = events_page(reload(run), limit=1000)
    expect(page.locator("[data-part=loaded]")).to_have_text(f"{len(stored):,} events")
    steps = sum(event.type == "span_started" and '"kind": "step"' in event.payload for event in stored)
    expect(page.locator("rlm-cells .step")).to_have_count(steps)


def test_a_run_is_seen_as_it_happens(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    slowly = Reply("I think. " * 60 + "\n" + submit("42"), chunk_characters=12, chunk_delay_seconds=0.1)
    script.behave("slow-thinker", turns(slowly))
    run = launch(acme, "slow-thinker")
    page = ada_browser.open(f"/runs/{run.id}")
    connection(page, "live")
    expect(page.locator("[data-part=status]")).to_contain_text("Running")
    streaming = page.locator(".said-live")
    expect(streaming).to_contain_text("I think.")
    assert page.locator("rlm-answer").count() == 0
    expect(page.locator("rlm-answer")).to_contain_text("42")
    expect(streaming).to_have_count(0)
    expect(page.locator("[data-part=status]")).to_contain_text("Succeeded")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    is_complete(page, run)


def test_code_sub_calls_and_output_stand_in_their_cells(
    ada_browser: Visitor, script: ModelServer, acme: Tenant
) -> None:
    script.behave(
        "mix", turns(code('answers = llm_query_batched(["one", "two"])\nprint("n", len(answers))'), submit("done"))
    )
    run = launch(acme, "mix")
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator("rlm-answer")).to_contain_text("done")
    first = page.locator(".step").first
    expect(first.locator("rlm-code")).to_contain_text("llm_query_batched")
    expect(first.locator(".cell-out.is-stdout")).to_contain_text("n 2")
    card = first.locator(".calls > .calls-head")
    expect(card).to_contain_text("\u00d72")
    card.click()
    expect(first.locator(".calls-list li")).to_have_count(2)
    first.locator(".calls-list li button").first.click()
    expect(first.locator(".calls-body")).to_contain_text("echo: one")
    meters = page.locator("rlm-meters")
    expect(meters).to_contain_text(re.compile(r"Sub-calls\s*2\s*/ 200"))
    expect(meters).to_contain_text(re.compile(r"Steps\s*2\s*/ 30 a level"))
    is_complete(page, run)


def test_a_recursive_sub_call_opens_its_own_notebook(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    run = launch(acme, "deep-2", task="DEPTH 0/2")
    page = ada_browser.open(f"/runs/{run.id}")
    connection(page, "ended")
    page.locator(".calls-head").first.click()
    page.get_by_role("button", name="Open its notebook").click()
    crumbs = page.get_by_role("navigation", name="Recursion level")
    expect(crumbs).to_contain_text("rlm_query")
    expect(page.locator(".level-head")).to_contain_text("DEPTH 1/2")
    page.reload()
    expect(page.locator(".level-head")).to_contain_text("DEPTH 1/2")
    crumbs.get_by_role("link", name="Run").click()
    expect(page.locator(".level-head")).to_contain_text("DEPTH 0/2")


def test_who_comes_in_the_midst_of_a_call_sees_its_text_from_the_start(
    ada_browser: Visitor, script: ModelServer, acme: Tenant
) -> None:
    slowly = Reply("First I think. " * 60 + "\n" + submit("42"), chunk_characters=12, chunk_delay_seconds=0.15)
    script.behave("mid-call", turns(slowly))
    run = launch(acme, "mid-call")
    wait_until(lambda: reload(run).last_seq >= 5)
    time.sleep(2)  # nobody looks while the call is on its way
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator(".said-live")).to_have_text(re.compile(r"^First I think\."), timeout=4000)
    page.reload()
    expect(page.locator(".said-live")).to_have_text(re.compile(r"^First I think\."), timeout=4000)
    page.get_by_role("button", name="Stop").click()
    connection(page, "ended")


def test_stop_ends_a_run_within_seconds_and_says_so(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    run = launch(acme, "hold")
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator(".waiting")).to_contain_text("hold is thinking")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("[data-act=stop]")).to_contain_text("Stopping…")
    expect(page.locator("[data-part=status]")).to_contain_text("Cancelled", timeout=4000)
    expect(page.locator("[data-part=reason]")).to_contain_text("Stopped")
    assert reload(run).status == "cancelled"


def test_a_reload_and_a_second_tab_show_the_same(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    run = launch(acme, "hold")
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator(".waiting")).to_be_visible()
    second = ada_browser.open(f"/runs/{run.id}")
    connection(second, "live")
    page.reload()
    connection(page, "live")
    assert events_shown(page) == events_shown(second)
    script.release()
    for tab in (page, second):
        expect(tab.locator("rlm-answer")).to_contain_text("42")
        is_complete(tab, run)


def test_a_lost_line_loses_and_doubles_nothing(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    ada_browser.expects("ERR_INTERNET_DISCONNECTED")
    script.behave("slow-start", turns(code('print("first")'), Reply(submit("42"), hold_after_chunks=1)))
    run = launch(acme, "slow-start")
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator(".cell-out")).to_contain_text("first")
    ada_browser.context.set_offline(True)
    connection(page, "offline")
    expect(page.get_by_role("alert")).to_contain_text("The run goes on")
    script.release()
    wait_until(lambda: reload(run).is_terminal, 15)
    assert page.locator("rlm-answer").count() == 0
    ada_browser.context.set_offline(False)
    expect(page.locator("rlm-answer")).to_contain_text("42")
    expect(page.locator(".cell-out.is-stdout pre").first).to_have_text("first\n")
    is_complete(page, run)


NO_SOCKETS = "globalThis.WebSocket = class { constructor() { throw new Error('blocked'); } }"


def test_with_sockets_blocked_events_come_by_another_stream(
    ada_browser: Visitor, script: ModelServer, acme: Tenant
) -> None:
    run = launch(acme, "hold")
    ada_browser.context.add_init_script(NO_SOCKETS)
    page = ada_browser.open(f"/runs/{run.id}")
    connection(page, "streaming")
    expect(page.locator("[data-part=connection]")).to_contain_text("Live, by server-sent events")
    script.release()
    expect(page.locator("rlm-answer")).to_contain_text("42")
    is_complete(page, run)


def test_with_both_blocked_the_page_polls(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    ada_browser.expects("ERR_FAILED")
    run = launch(acme, "hold")
    ada_browser.context.add_init_script(NO_SOCKETS)
    ada_browser.context.route(
        "**/events?**",
        lambda route: route.abort() if "event-stream" in route.request.headers["accept"] else route.continue_(),
    )
    page = ada_browser.open(f"/runs/{run.id}")
    connection(page, "polling")
    script.release()
    expect(page.locator("rlm-answer")).to_contain_text("42")
    is_complete(page, run)


def test_a_refused_key_is_explained(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    run = launch(acme, "unauthorized")
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator("[data-part=status]")).to_contain_text("Failed")
    reason = page.locator("[data-part=reason]")
    expect(reason).to_contain_text("Error")
    expect(reason).to_contain_text(reload(run).error_message[:60])
    expect(page.locator("rlm-tree").get_by_text("Error").first).to_be_attached()


def test_the_keyboard_walks_the_tree(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    run = launch(acme, "two-turns")
    page = ada_browser.open(f"/runs/{run.id}")
    connection(page, "ended")
    selected = page.locator(".tree-row[aria-selected=true]")
    page.keyboard.press("j")
    expect(selected).to_contain_text("Run")
    page.keyboard.press("j")
    expect(selected).to_contain_text("Step 1")
    assert "span=" in page.url
    page.keyboard.press("h")
    expect(selected).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("l")
    expect(selected).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("k")
    expect(selected).to_contain_text("Run")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard")
    expect(keys).to_contain_text("Stop the run")
    keys.get_by_label("Single-letter keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(selected).to_contain_text("Run")


def test_a_link_to_a_span_shows_that_span(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    run = launch(acme, "two-turns")
    page = ada_browser.open(f"/runs/{run.id}")
    connection(page, "ended")
    page.locator(".tree-row", has_text="Cell 1").click()
    link = page.url
    other = ada_browser.open(link.removeprefix(ada_browser.url))
    expect(other.locator(".tree-row[aria-selected=true]")).to_contain_text("Cell 1")
    expect(other.locator("rlm-details h2")).to_have_text("Cell 1")
    expect(other.locator(".step.is-selected, .step").first).to_be_visible()
