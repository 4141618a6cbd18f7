"""Signing in and out, as a person does it."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.factories.tenancy import PASSWORD, Tenant


def test_sign_in_leads_where_one_wanted_to_go_and_sign_out_ends_it(visit: Callable[..., Visitor], acme: Tenant) -> None:
    visitor = visit()
    page = visitor.open("/o/acme/p/demo/runs")
    page.get_by_label("Email").fill("ada@acme.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{visitor.url}/o/acme/p/demo/runs")
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{visitor.url}/o/acme/p/demo/runs")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_password_is_said_in_its_place(visit: Callable[..., Visitor], acme: Tenant) -> None:
    page = visit().open("/accounts/login/")
    page.get_by_label("Email").fill("ada@acme.example")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    expect(page.get_by_label("Email")).to_have_value("ada@acme.example")


def test_the_theme_is_kept_and_does_not_flash(visit: Callable[..., Visitor], acme: Tenant) -> None:
    page = visit(acme, color_scheme="light").open("/o/acme/p/demo/runs")
    switch = page.locator("[data-theme-switch]")
    switch.click()
    switch.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
