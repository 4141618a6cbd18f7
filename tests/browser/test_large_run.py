"""A long run that has ended is read in parts: its spans at once, of its events those that somebody looks at."""

import re

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Visitor
from tests.factories.large_runs import large_run
from tests.factories.tenancy import Tenant
from trajectories.models import Run

STEPS, CALLS = 4, 110
SPANS, EVENTS = 1 + STEPS * (3 + 2 * CALLS), 4 + STEPS * (10 + 5 * CALLS)
AT_FIRST = 4 + STEPS * 10 + 2 * 12
"""The level that is shown, and the sub-calls that failed."""
SECOND_CALL = "Which invoices of part 2 are due? Chunk 70."


@pytest.fixture
def long(acme: Tenant) -> Run:
    """A run of more events than are fetched at once; twelve of its sub-calls failed."""
    return large_run(acme.principal, acme.project, steps=STEPS, calls=CALLS)


def opened(visitor: Visitor, run: Run, query: str = "") -> Page:
    page = visitor.open(f"/runs/{run.id}{query}")
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    expect(page.locator("rlm-outline .count").first).to_have_text(str(SPANS))
    return page


def has(page: Page, events: int) -> None:
    expect(page.locator("[data-part=loaded]")).to_have_text(f"{events} of {EVENTS:,} events loaded")


def test_spans_come_at_once_and_events_of_what_is_seen(ada_browser: Visitor, long: Run) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    ada_browser.context.on("request", note)
    page = opened(ada_browser, long)
    expect(page.locator("rlm-cells .step")).to_have_count(STEPS)
    expect(page.locator(".cell-out.is-stdout").last).to_contain_text("part 4 done")
    expect(page.locator("rlm-answer")).to_contain_text("42")
    has(page, AT_FIRST)
    paths = [url.split("?")[0].rsplit("/", 1)[-1] for url in asked if f"/api/v1/runs/{long.id}" in url]
    assert paths.count("spans") == 1
    assert paths.count("events") <= 3
    expect(page.locator("rlm-meters")).to_contain_text(re.compile(rf"Sub-calls\D*{STEPS * CALLS}\b"))


def test_a_call_that_is_opened_and_selected_tells_all_of_itself(ada_browser: Visitor, long: Run) -> None:
    page = opened(ada_browser, long)
    has(page, AT_FIRST)
    page.locator(".calls-head").nth(1).click()
    page.locator(".calls-list li button").nth(1).click()
    expect(page.locator(".calls-list .calls-body")).to_contain_text("Seen.")
    has(page, AT_FIRST + 5)
    page.keyboard.press("/")
    page.keyboard.type("part 2 are due? Chunk 70")
    expect(page.locator("rlm-outline")).to_contain_text("Names, first lines and what is loaded are searched.")
    page.locator(".tree-row", has_text=SECOND_CALL).first.click()
    details = page.locator("rlm-details")
    expect(details).to_contain_text("llm_query")
    expect(details.locator("pre").last).to_have_text("Seen.")
    link = page.url
    page.goto(link)
    expect(page.locator("rlm-details pre").last).to_have_text("Seen.")


def test_spend_of_a_part_is_known_before_its_events_are_loaded(ada_browser: Visitor, long: Run) -> None:
    page = opened(ada_browser, long)
    details = page.locator("rlm-details")
    spend = details.locator(".spend")
    expect(spend).to_contain_text(re.compile(r"Cache read\s*1,200\s*133,200"))
    page.locator(".tree-row", has_text="gpt-5-mini").first.click()
    expect(spend).to_contain_text(re.compile(r"Cache read\s*300"))
    expect(details).to_contain_text("Request · 1 messages")


def test_problems_tell_their_failures(ada_browser: Visitor, long: Run) -> None:
    page = opened(ada_browser, long, "?view=errors")
    expect(page.locator(".problem-row").first).to_contain_text("rate limited")
    expect(page.locator(".problem-row").first).to_contain_text("Call 0 came too soon.")


def test_the_record_is_fetched_where_it_is_scrolled_to(ada_browser: Visitor, long: Run) -> None:
    page = opened(ada_browser, long, "?show=raw&at=2000")
    expect(page.locator(".raw-event")).to_contain_text("Event 2,000")
    expect(page.locator(".raw-tools")).to_contain_text(f"{EVENTS:,} events")
    expect(page.locator("#event-2000")).to_be_in_viewport()
    expect(page.locator("#event-2000")).not_to_contain_text("…")
    page.locator("[data-list].event").focus()
    page.keyboard.press("End")
    expect(page.locator(f"#event-{EVENTS}")).to_contain_text("span_finished")
    page.keyboard.press("Home")
    expect(page.locator("#event-1")).to_contain_text("span_started")
    expect(page.locator("[data-part=loaded]")).to_contain_text(f" of {EVENTS:,} events loaded")


def test_a_skeleton_that_cannot_be_had_is_made_from_the_events(ada_browser: Visitor, long: Run) -> None:
    ada_browser.expects("ERR_FAILED")
    ada_browser.context.route("**/spans", lambda route: route.abort())
    page = opened(ada_browser, long)
    expect(page.locator("[data-part=loaded]")).to_have_text(f"{EVENTS:,} events")
    expect(page.locator("rlm-cells .step")).to_have_count(STEPS)


def test_a_line_that_breaks_is_said_and_what_was_asked_for_comes(ada_browser: Visitor, long: Run) -> None:
    ada_browser.expects("ERR_FAILED")
    page = opened(ada_browser, long)
    expect(page.locator(".cell-out.is-stdout").last).to_contain_text("part 4 done")
    page.route("**/events?**", lambda route: route.abort())
    page.locator(".calls-head").first.click()
    page.locator(".calls-list li button").nth(1).click()
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "offline")
    page.unroute("**/events?**")
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    expect(page.locator(".calls-list .calls-body")).to_contain_text("Seen.")


def test_a_line_that_was_down_for_a_while_doubles_nothing(ada_browser: Visitor, long: Run) -> None:
    page = opened(ada_browser, long)
    has(page, AT_FIRST)
    ada_browser.context.set_offline(True)
    ada_browser.context.set_offline(False)
    page.locator(".calls-head").nth(1).click()
    page.locator(".calls-list li button").nth(1).click()
    expect(page.locator(".calls-list .calls-body")).to_contain_text("Seen.")
    has(page, AT_FIRST + 5)
    expect(page.locator(".cell-out.is-stdout")).to_have_count(STEPS)
