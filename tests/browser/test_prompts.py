"""Prompts in a browser: drafts that are not lost, keys, comparisons, and the launch form's choice."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from rlmlab import scoping
from tests.browser.conftest import Visitor
from tests.browser.test_accessibility import violations
from tests.factories.experiments import answer_all, make_experiment
from tests.factories.tenancy import Tenant
from trajectories.improvement.promotion import Move, move_label
from trajectories.improvement.prompts import create_version, ensure_system_prompt
from trajectories.models.experiments import Arm

SYSTEM = "/o/acme/p/demo/prompts/system"
NEW = f"{SYSTEM}/versions/new"
OWN = 'Work in the REPL.\nSet answer["content"].\nBe brief.\n'


@pytest.fixture
def full(acme: Tenant) -> Tenant:
    """Four versions, two labels, an experiment and two moves."""
    with scoping.organization(acme.organization):  # no worker that is about sees the runs waiting
        experiment = make_experiment(acme.principal, acme.project, items=2)
        answer_all(experiment, {(1, Arm.CANDIDATE): "2"}, "wrong")
    prompt = ensure_system_prompt(acme.project)
    for text, note in ((OWN, "Shorter"), ("Be brief.", "Without the REPL")):
        create_version(by=acme.principal, prompt=prompt, text=text, note=note)
    for label, version in (("production", 2), ("staging", 4)):
        move_label(by=acme.principal, prompt=prompt, move=Move(label, version, "It finds more of the answers."))
    return acme


def test_a_version_is_written_and_saved_by_keyboard(ada_browser: Visitor, acme: Tenant) -> None:
    page = ada_browser.open(SYSTEM)
    page.keyboard.press("n")
    page.wait_for_url(f"**{NEW}?from=1")
    expect(page.locator("[data-part=count]")).to_contain_text("of at most 100,000 characters, about")
    expect(page.locator("[data-part=contract]")).to_be_hidden()
    page.locator("#text").fill("Be brief.")
    expect(page.locator("[data-part=count]")).to_contain_text("9 of at most 100,000 characters, about 3 tokens")
    expect(page.locator("[data-part=contract]")).to_be_visible()
    page.locator("#text").fill(OWN)
    expect(page.locator("[data-part=contract]")).to_be_hidden()
    page.locator("#note").fill("Shorter")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{SYSTEM}?version=2&against=1")
    expect(page.get_by_role("status")).to_contain_text("v2 is saved.")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_draft_outlives_a_refusal_and_an_expired_session(ada_browser: Visitor, acme: Tenant) -> None:
    ada_browser.expects("422", "403")
    page = ada_browser.open(NEW)
    page.locator("#note").fill("Same text")
    page.get_by_role("button", name="Save version").click()
    expect(page.locator("#text-note")).to_contain_text("is the text of v1, the latest version")
    expect(page.locator("#note")).to_have_value("Same text")
    page.locator("#text").fill(OWN)
    cookies = ada_browser.context.cookies()
    ada_browser.context.clear_cookies()
    page.get_by_role("button", name="Save version").click()
    page.wait_for_load_state()
    expect(page.locator("#text")).to_have_count(0)
    ada_browser.context.add_cookies(cookies)  # type: ignore[arg-type]  # as they were read
    page.goto(f"{ada_browser.url}{NEW}")
    expect(page.locator("#text")).to_have_value(OWN)
    expect(page.locator("[data-part=restored]")).to_contain_text("Your draft of before is back.")
    page.get_by_role("button", name="Start from v1 again").click()
    expect(page.locator("#text")).to_contain_text("You answer a task")
    expect(page.locator("[data-part=restored]")).to_be_hidden()
    page.reload()
    expect(page.locator("#note")).to_have_value("")


def test_a_draft_belongs_to_the_version_it_started_from(ada_browser: Visitor, full: Tenant) -> None:
    page = ada_browser.open(f"{NEW}?from=3")
    page.locator("#text").fill("A draft.")
    page.goto(f"{ada_browser.url}{NEW}?from=4")
    expect(page.locator("#text")).to_have_value("Be brief.")
    page.goto(f"{ada_browser.url}{NEW}?from=3")
    expect(page.locator("#text")).to_have_value("A draft.")


def test_the_other_version_is_chosen_without_a_button(ada_browser: Visitor, full: Tenant) -> None:
    page = ada_browser.open(f"{SYSTEM}?version=4&against=3&side=1")
    expect(page.get_by_role("button", name="Compare")).to_be_hidden()
    page.get_by_label("Against").select_option("1")
    page.wait_for_url("**against=1&side=1")
    expect(page.get_by_role("region", name="Changes from v1 to v4")).to_be_visible()


def test_a_label_is_moved_and_put_back(ada_browser: Visitor, full: Tenant) -> None:
    page = ada_browser.open(f"{SYSTEM}?version=3")
    page.get_by_role("link", name="Promote to production").click()
    page.get_by_label("Reason").fill("Three reviewers prefer it.")
    page.get_by_role("button", name="Override and move production").click()
    expect(page.get_by_role("status").first).to_contain_text("The label production points at v3.")
    page.get_by_role("link", name="Put back v2").click()
    expect(page.get_by_label("Reason")).to_have_value("Put back: undoes the move to v3.")
    page.get_by_role("button", name="Override and move production").click()
    expect(page.locator(".move").first).to_contain_text("v3 → v2")


def test_the_launch_form_shows_what_the_model_is_told(ada_browser: Visitor, full: Tenant) -> None:
    page = ada_browser.open("/o/acme/p/demo/runs/new")
    page.get_by_text("What each level of the run is told first").click()
    preview = page.get_by_label("System prompt")
    expect(preview).to_contain_text("Answer at once in the REPL")
    page.get_by_label("Prompt", exact=True).select_option("staging")
    expect(preview).to_contain_text("Be brief.")
    expect(preview).to_contain_text("You work in a Python REPL")
    link = page.get_by_role("link", name="Versions and history")
    expect(link).to_have_attribute("href", re.compile(re.escape(f"{SYSTEM}?version=4")))


def test_a_run_is_launched_with_the_chosen_version(ada_browser: Visitor, full: Tenant) -> None:
    page = ada_browser.open("/o/acme/p/demo/runs/new")
    page.get_by_label("Task").fill("How long is it?")
    page.get_by_label("Prompt", exact=True).select_option("3")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/runs/*-*")
    expect(page.get_by_role("link", name="system v3").first).to_have_attribute("href", f"{SYSTEM}?version=3")


PAGES = {
    "list": "/o/acme/p/demo/prompts",
    "text": f"{SYSTEM}?version=4",
    "changes": f"{SYSTEM}?version=3&against=2",
    "side": f"{SYSTEM}?version=3&against=2&side=1",
    "history": f"{SYSTEM}?version=3&show=history",
    "new": NEW,
    "move": f"{SYSTEM}/labels/move?label=production&version=3",
    "undo": f"{SYSTEM}/labels/move?label=production&version=1&undo=1",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit: Callable[..., Visitor], full: Tenant, scheme: str) -> None:
    visitor = visit(full, color_scheme=scheme, reduced_motion="reduce")
    page = visitor.open(PAGES["list"])
    found = {}
    for name, path in PAGES.items():
        page.goto(visitor.url + path)
        found[name] = violations(page)
    assert found == {name: [] for name in PAGES}


@pytest.mark.parametrize("width", [360, 720])
def test_nothing_runs_off_a_narrow_page(visit: Callable[..., Visitor], full: Tenant, width: int) -> None:
    visitor = visit(full, viewport={"width": width, "height": 800})
    page = visitor.open(PAGES["list"])
    for name, path in PAGES.items():
        page.goto(visitor.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
