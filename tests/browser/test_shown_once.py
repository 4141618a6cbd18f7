"""What is shown once: the answer to a form."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.factories.tenancy import Tenant


def test_a_reload_after_a_key_makes_no_second_one(visit: Callable[..., Visitor], acme: Tenant) -> None:
    page = visit(acme).open("/o/acme/settings/keys")
    page.get_by_label("Label").fill("nightly")
    page.get_by_role("button", name="Make key").click()
    expect(page.locator(".secret")).to_contain_text("rlm_")
    page.reload()
    expect(page.locator(".secret")).to_have_count(0)
    expect(page.get_by_role("cell", name="nightly", exact=True)).to_have_count(1)
