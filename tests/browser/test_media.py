"""An image as input, an answer in a form: launched, shown to a model, read on the run's page."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.fakes.media import png
from tests.live import Process

NEW = "/o/acme/p/demo/runs/new"
SCHEMA = (
    '{"type": "object", "properties": {"names": {"type": "array"}, "seen": {"type": "string"}}, "required": ["seen"]}'
)


def test_image_is_shown_to_a_model_and_on_the_page(
    ada_browser: Visitor, console_worker: Process, tmp_path: Path
) -> None:
    (tmp_path / "cat.png").write_bytes(png(120, 80))
    (tmp_path / "notes.txt").write_text("About pets.")
    ada_browser.expects("422")
    page = ada_browser.open(NEW)
    page.get_by_label("Task").fill("What is shown?")
    page.locator("input[type=file]").set_input_files([tmp_path / "cat.png", tmp_path / "notes.txt"])
    expect(page.locator(".attachment")).to_have_count(2)
    page.get_by_label("Model", exact=True).fill("openai/look")
    page.get_by_text("Form of the answer").click()
    field = page.get_by_label("JSON Schema")
    field.fill('{"type": ')
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("#response-schema-error")).to_contain_text("This is not JSON")
    expect(field).to_be_focused()
    field.fill('{"properties": {"a": {"pattern": "x"}}}')
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("#response-schema-error")).to_contain_text(
        "properties.a.pattern: this keyword is not supported"
    )
    field.fill(SCHEMA)
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/runs/*-*")
    expect(page.locator("[data-part=status]")).to_contain_text("Succeeded")
    tree = page.locator("rlm-answer rlm-json")
    expect(tree).to_contain_text("seen")
    expect(tree).to_contain_text("image/png")
    details = page.locator("rlm-details")
    expect(details).to_contain_text("Form of the answer")
    page.locator(".calls-head").first.click()
    image = page.locator(".calls-body .media-row img")
    expect(image).to_be_visible()
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("naturalWidth", 120)
    expect(details.locator(".media-row img")).to_have_attribute("alt", "cat.png")
    page.get_by_role("button", name="As JSON").click()
    expect(page.locator("rlm-answer rlm-code")).to_contain_text('"seen"')
