"""axe finds nothing, in light and dark; nothing runs off a narrow or a zoomed page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from memory.actions import add_memory, pin_memory
from tests.browser.conftest import Visitor
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant
from trajectories.actions.examples import make_example
from trajectories.actions.ratings import Judgement, rate_run

AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
PAGES = {
    "runs": "/o/acme/p/demo/runs",
    "launch": "/o/acme/p/demo/runs/new",
    "run": "/runs/{run}",
    "run, timeline and transcript": "/runs/{run}?view=timeline&show=transcript",
    "run, errors and raw events": "/runs/{run}?view=errors&show=raw&at=4",
    "fork": "/runs/{run}/fork?at=1",
    "run, rating it": "/runs/{run}?tab=rate",
    "examples": "/o/acme/p/demo/examples",
    "an example": "/o/acme/p/demo/examples/{example}",
    "memory": "/o/acme/p/demo/memory",
    "a memory": "/o/acme/p/demo/memory/{memory}",
    "projects": "/o/acme/projects",
    "overview": "/o/acme",
    "account": "/account",
    "members": "/o/acme/settings/members",
    "keys": "/o/acme/settings/keys",
    "providers": "/o/acme/settings/providers",
    "project settings": "/o/acme/p/demo/settings",
    "audit": "/o/acme/settings/audit",
    "organizations": "/organizations",
    "components": "/components",
    "nowhere": "/nowhere",
}


def opened(visitor: Visitor, acme: Tenant, name: str) -> Page:
    visitor.expects("404")
    run = finished_run(acme.principal, acme.project, 3, task="Count the modules")
    rate_run(by=acme.principal, run=run, judgement=Judgement("correct", 0.0, comment="No.", correction="43"))
    example = make_example(by=acme.principal, run=run)
    memory = add_memory(by=acme.principal, project=acme.project, text="A module is a file.").memory
    pin_memory(by=acme.principal, memory_id=memory.id, pinned=True)
    page = visitor.open(PAGES[name].format(run=run.id, example=example.id, memory=memory.id))
    if "/runs/{run}" in PAGES[name] and name != "fork":
        expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    if name == "run":
        expect(page.locator(".step")).to_have_count(3)
    if name == "run, rating it":
        expect(page.locator("rlm-rating")).to_contain_text("Should have been")
    return page


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{item['id']}: {item['help']} ({node['html'][:120]}: {node['failureSummary'][:300]})"
        for item in found["violations"]
        for node in item["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visit: Callable[..., Visitor], acme: Tenant, name: str, scheme: str) -> None:
    assert violations(opened(visit(acme, color_scheme=scheme, reduced_motion="reduce"), acme, name)) == []


def test_axe_finds_nothing_on_the_sign_in_page(visit: Callable[..., Visitor]) -> None:
    assert violations(visit().open("/accounts/login/")) == []


@pytest.mark.parametrize("width", [360, 720])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_off_a_narrow_page(visit: Callable[..., Visitor], acme: Tenant, name: str, width: int) -> None:
    """720 is what 200 % zoom leaves of 1440."""
    page = opened(visit(acme, viewport={"width": width, "height": 800}), acme, name)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
