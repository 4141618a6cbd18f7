"""What a model writes never becomes markup, script, a request or a disguise."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import code, submit, turns
from tests.live import Process

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
MARKDOWN = (
    f"{EVIL}\n\n![spy](http://spy.example/a.png) [click](javascript:alert(1)) [fine](https://example.org/a)\n\n"
    "<style>body{display:none}</style><form action=/accounts/logout/><button>x</button></form>\n\n**bold**"
)


@pytest.fixture
def script(model_server: ModelServer, console_worker: Process) -> Iterator[ModelServer]:
    """The model server, emptied afterwards."""
    yield model_server
    model_server.reset()


def test_hostile_text_is_shown_and_does_nothing(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    disguised = code(f"print({EVIL!r}, chr(27) + '[31m' + chr(0x202e) + chr(7))")
    script.behave("evil", turns(f"{MARKDOWN}\n\n{disguised}", submit(MARKDOWN)))
    run = make_run(acme.principal, acme.project, model="openai/evil", task=EVIL)
    page = ada_browser.open(f"/runs/{run.id}")
    answer = page.locator("rlm-answer")
    expect(answer.locator("strong")).to_have_text("bold")
    expect(answer.get_by_role("link", name="fine")).to_have_attribute("rel", "noopener noreferrer nofollow")
    assert page.locator("img, rlm-cells form, rlm-cells style, rlm-cells script").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    expect(page.locator(".cell-out.is-stdout").first).to_contain_text("<img src=x onerror=")
    output = page.locator(".cell-out.is-stdout pre").first.inner_text()
    assert "\x1b" not in output
    assert "\u202e" not in output
    answer.get_by_role("button", name="Exact text").click()
    expect(answer.locator("pre")).to_contain_text("<script>document.title='owned'</script>")
    assert "owned" not in page.title().replace(EVIL, "")
