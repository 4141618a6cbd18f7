"""Rating and correcting on the run page, making an example of it, and a later run that gets it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rlmlab import scoping
from rlmlab.tenancy.models import Role, User
from tests.browser.conftest import Visitor
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant, make_member
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import submit, turns
from tests.live import Process, wait_until
from trajectories.actions.examples import make_example
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.models import Run
from trajectories.ratings import current_ratings

GIVEN = "There are 42 invoices."
TASK = "Count the invoices"
Makes = Callable[..., Run]


@pytest.fixture
def script(model_server: ModelServer, console_worker: Process) -> Iterator[ModelServer]:
    """The model server, emptied afterwards."""
    yield model_server
    model_server.release()
    model_server.reset()


@pytest.fixture
def answered(script: ModelServer, acme: Tenant) -> Callable[..., Run]:
    """Make runs that have ended with an answer."""

    def make(answer: Any = GIVEN, **fields: Any) -> Run:
        script.behave("answering", turns(submit(answer)))
        run = make_run(acme.principal, acme.project, **{"task": TASK, "model": "openai/answering"} | fields)
        wait_until(lambda: reload(run).is_terminal, what="the run")
        return reload(run)

    return make


def ratings(run: Run) -> list[tuple[str, float, str, Any]]:
    with scoping.organization(run.organization_id):
        return [(each.dimension, each.value, each.comment, each.correction) for each in current_ratings(run)]


def rate(page: Page) -> Page:
    """Open the tab, and wait for the ratings."""
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    page.get_by_role("tab", name="Rate").click()
    expect(page.locator(".rate-list, .rate .muted").first).to_be_visible()
    return page


def saved(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".rate-saved")).to_contain_text("Saved")


def test_a_correction_becomes_an_example_that_a_later_run_gets(ada_browser: Visitor, answered: Makes) -> None:
    run = answered()
    page = rate(ada_browser.open(f"/runs/{run.id}"))
    page.get_by_role("button", name="Start from the given answer").click()
    expect(page.get_by_label("The answer should have been")).to_have_value(GIVEN)
    page.get_by_label("The answer should have been").fill("There are 43 invoices.")
    expect(page.locator(".rate-diff del")).to_have_text("42")
    expect(page.locator(".rate-diff ins")).to_have_text("43")
    page.get_by_label("Comment").fill("One is on the back.")
    page.get_by_role("radio", name="Format: fully").check(force=True)
    saved(page)
    assert ratings(run) == [
        ("correct", 0.0, "One is on the back.", "There are 43 invoices."),
        ("format", 1.0, "", None),
    ]
    head = page.locator("[data-part=rated]")
    expect(head).to_contain_text("corrected")
    listed = page.locator(".rate-list li")
    expect(listed).to_have_count(2)
    expect(listed.last).to_contain_text("One is on the back.")
    expect(listed.last).to_contain_text("ada@acme.example (you)")
    page.get_by_role("button", name="Make an example of it").click()
    expect(head).to_contain_text("example")
    page.get_by_role("link", name="See what later runs read of it").click()
    expect(page.locator("#frozen")).to_contain_text("Right answer: There are 43 invoices.")
    later = answered(task="Count the unpaid invoices", use_examples=True)
    page = ada_browser.open(f"/runs/{later.id}")
    learned = page.locator("rlm-learned")
    expect(learned).to_contain_text("a correction; number 1 by shared words of the task")
    learned.get_by_role("link", name="its run").click()
    expect(page.locator("h1")).to_have_text(TASK)


def test_saving_can_be_undone_and_changed(ada_browser: Visitor, answered: Makes) -> None:
    run = answered()
    page = rate(ada_browser.open(f"/runs/{run.id}"))
    page.get_by_role("button", name="Right").click()
    saved(page)
    page.get_by_role("button", name="Wrong").click()
    saved(page)
    assert [value for _, value, *_ in ratings(run)] == [0.0]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Right")).to_have_attribute("aria-pressed", "true")
    assert [value for _, value, *_ in ratings(run)] == [1.0]
    page.get_by_role("button", name="Withdraw the rating Correct").click()
    expect(page.locator(".rate")).to_contain_text("Nobody has rated this run yet.")
    assert ratings(run) == []
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".rate-list li")).to_have_count(1)
    assert [value for _, value, *_ in ratings(run)] == [1.0]
    expect(page.locator("[data-part=rated]")).to_contain_text("1")


def test_json_is_checked_where_it_is_typed(ada_browser: Visitor, answered: Makes) -> None:
    run = answered({"count": 42})
    page = rate(ada_browser.open(f"/runs/{run.id}"))
    field = page.get_by_label("The answer should have been")
    field.fill('{"count":')
    expect(page.locator("#rate-correction-error")).to_contain_text("This is not JSON: ")
    field.fill('{"count" 43}')
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#rate-correction-error")).to_contain_text("This is not JSON: Expected ':'")
    expect(field).to_be_focused()
    assert ratings(run) == []
    field.fill('{"count": 42}')
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#rate-correction-error")).to_have_text("This is the answer that was given.")
    field.fill('{"count": 43}')
    saved(page)
    assert ratings(run) == [("correct", 0.0, "", {"count": 43})]


def test_nothing_is_lost_when_the_session_ends(ada_browser: Visitor, answered: Makes) -> None:
    ada_browser.expects("401")
    run = answered()
    page = rate(ada_browser.open(f"/runs/{run.id}"))
    page.get_by_label("The answer should have been").fill("43")
    page.get_by_label("Comment").fill("By hand.")
    kept = ada_browser.context.cookies()
    ada_browser.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".rate-problem")).to_contain_text("Your session has ended. What you wrote is kept.")
    expect(page.get_by_label("Comment")).to_have_value("By hand.")
    ada_browser.context.add_cookies(kept)  # type: ignore[arg-type]  # what was read
    page.reload()
    expect(page.get_by_label("Comment")).to_have_value("By hand.")
    expect(page.locator(".rate")).to_contain_text("Not saved yet.")
    saved(page)
    assert ratings(run) == [("correct", 0.0, "By hand.", "43")]
    page.reload()
    expect(page.get_by_label("Comment")).to_have_value("By hand.")
    expect(page.locator(".rate")).not_to_contain_text("Not saved yet.")


def test_ratings_that_cannot_be_read_are_asked_for_again_by_hand(ada_browser: Visitor, answered: Makes) -> None:
    ada_browser.expects("ERR_FAILED")
    run = answered()
    ada_browser.context.route("**/ratings?*", lambda route: route.abort())
    page = ada_browser.open(f"/runs/{run.id}?tab=rate")
    expect(page.locator(".rate-problem")).to_contain_text("The server cannot be reached.")
    ada_browser.context.unroute("**/ratings?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("The answer should have been")).to_be_visible()


def test_a_step_is_rated_by_itself_and_keys_do_it(ada_browser: Visitor, answered: Makes) -> None:
    run = answered()
    page = rate(ada_browser.open(f"/runs/{run.id}"))
    page.get_by_role("treeitem", name="Step 1").click()
    page.get_by_role("group", name="What is rated").get_by_role("button", name="Step 1").click()
    expect(page.locator(".rate")).to_contain_text("It should have been")
    page.locator("body").press("b")
    expect(page.get_by_label("It should have been")).to_be_focused()
    page.get_by_label("It should have been").fill("So it is right")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".rate-saved")).to_contain_text("Saved")
    with scoping.organization(run.organization_id):
        (rating,) = current_ratings(run)
    assert (rating.value, rating.correction, rating.span_id != "") == (0.0, "So it is right", True)
    expect(page.locator(".rate-list")).to_contain_text("Step 1")
    page.get_by_role("button", name="Whole run").click()
    expect(page.get_by_label("The answer should have been")).to_have_value("")
    page.locator("[data-tab=details]").click()
    page.locator("body").press("g")
    expect(page.get_by_role("button", name="Right")).to_have_attribute("aria-pressed", "true")
    page.locator("body").press("?")
    expect(page.locator("#keys")).to_contain_text("Rate: wrong, and say what is right")


def test_why_a_run_cannot_be_an_example_is_said(ada_browser: Visitor, answered: Makes) -> None:
    ada_browser.expects("409")
    page = rate(ada_browser.open(f"/runs/{answered().id}"))
    expect(page.get_by_role("button", name="Make an example")).to_have_count(0)
    page.get_by_role("button", name="Wrong").click()
    saved(page)
    page.get_by_role("button", name="Make an example of it").click()
    expect(page.locator("rlm-use [role=alert]")).to_contain_text("say what the answer should have been")


def test_a_viewer_reads_what_others_said(visit: Any, answered: Makes, acme: Tenant) -> None:
    run = answered()
    rate_run(by=acme.principal, run=run, judgement=Judgement("correct", 0.5, comment="Half of it.", correction="43"))
    make_example(by=acme.principal, run=run)
    vera = make_member(acme.organization, "vera@acme.example", Role.VIEWER)
    page = rate(
        visit(replace(acme, user=User.objects.get(email="vera@acme.example"), principal=vera)).open(f"/runs/{run.id}")
    )
    expect(page.locator(".rate-list")).to_contain_text("Half of it.")
    expect(page.locator("rlm-use")).to_contain_text("This run is an example.")
    expect(page.locator(".rate textarea, .rate-save, .rate-acts")).to_have_count(0)


def test_a_run_that_works_says_when_it_can_be_rated(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hold")
    page = ada_browser.open(f"/runs/{run.id}?tab=rate")
    expect(page.locator(".waiting")).to_be_visible()
    expect(page.locator("rlm-rating")).to_contain_text("The run can be rated when it has ended.")
    script.release()
    expect(page.get_by_label("The answer should have been")).to_be_visible()
