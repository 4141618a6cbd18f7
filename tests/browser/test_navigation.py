"""The navigation: all of it beside wide pages, behind one button on narrow ones."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.factories.tenancy import Tenant


@pytest.mark.parametrize(("width", "is_folded"), [(1440, False), (390, True)])
def test_button_for_the_menu_is_there_where_the_menu_is_folded(
    visit: Callable[..., Visitor], acme: Tenant, width: int, is_folded: bool
) -> None:
    page = visit(acme, viewport={"width": width, "height": 800}).open("/o/acme/settings/keys")
    menu, link = page.get_by_role("button", name="Menu"), page.get_by_role("link", name="API keys")
    expect(menu).to_be_visible(visible=is_folded)
    expect(link).to_be_visible(visible=not is_folded)
    if is_folded:
        menu.click()
        expect(link).to_be_visible()
