"""The launch form: files, errors at their fields, drafts that survive."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.live import Process

NEW = "/o/acme/p/demo/runs/new"


def test_a_run_is_launched_with_files_and_answers(
    ada_browser: Visitor, console_worker: Process, tmp_path: Path
) -> None:
    (tmp_path / "one.txt").write_text("x" * 4000)
    (tmp_path / "two.txt").write_text("y" * 400)
    page = ada_browser.open(NEW)
    page.get_by_label("Task").fill("How many files are there?")
    page.locator("input[type=file]").set_input_files([tmp_path / "one.txt", tmp_path / "two.txt"])
    expect(page.locator(".attachment")).to_have_count(2)
    expect(page.locator(".attachment").first).to_contain_text("4.0 KB · ≈ 1,000 tokens")
    expect(page.locator("[data-part=size]")).to_contain_text("4.4 KB, about 1,100 tokens")
    page.get_by_label("Model", exact=True).fill("openai/length")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/runs/*-*")
    expect(page.locator("rlm-answer")).to_contain_text("2")
    expect(page.locator("[data-part=status]")).to_contain_text("Succeeded")
    expect(page.locator("rlm-details")).to_contain_text("4.4 KB, 2 files")


def test_pasted_text_is_the_context_and_the_keyboard_launches(ada_browser: Visitor, console_worker: Process) -> None:
    page = ada_browser.open(NEW)
    page.get_by_label("Task").fill("How long is it?")
    page.get_by_label("Paste text").fill("abcdefg")
    page.get_by_label("Model", exact=True).fill("openai/length")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/runs/*-*")
    expect(page.locator("rlm-answer")).to_contain_text("7")


def test_what_the_server_refuses_stands_at_its_field_and_nothing_is_lost(ada_browser: Visitor, tmp_path: Path) -> None:
    ada_browser.expects("422")
    (tmp_path / "kept.txt").write_text("kept")
    page = ada_browser.open(NEW)
    page.get_by_label("Task").fill("Do it.")
    page.locator("input[type=file]").set_input_files(tmp_path / "kept.txt")
    expect(page.locator(".attachment")).to_contain_text("tokens")
    page.get_by_label("Model", exact=True).fill("nonsense")
    page.get_by_text("Limits and more").click()
    page.locator("#max_steps").fill("-1")
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("#model-error")).to_contain_text("Unknown model")
    expect(page.locator("#max_steps-error")).to_contain_text("must be at least 1")
    expect(page.locator("#model")).to_be_focused()
    expect(page.locator("#model")).to_have_attribute("aria-invalid", "true")
    page.reload()
    expect(page.get_by_label("Task")).to_have_value("Do it.")
    expect(page.locator("#max_steps")).to_have_value("-1")
    expect(page.locator(".attachment")).to_contain_text("kept.txt")


def test_what_is_no_number_is_refused_not_ignored(ada_browser: Visitor) -> None:
    ada_browser.expects("422")
    page = ada_browser.open(NEW)
    page.get_by_label("Task").fill("Do it.")
    page.get_by_text("Limits and more").click()
    page.locator("#max_tokens").fill("many")
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("#max_tokens-error")).to_contain_text("valid integer")


def test_an_empty_task_is_caught_before_anything_is_sent(ada_browser: Visitor) -> None:
    page = ada_browser.open(NEW)
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("#task-error")).to_contain_text("Say what the run shall find out")
    expect(page.get_by_label("Task")).to_be_focused()


def test_a_lost_line_while_launching_keeps_the_form(ada_browser: Visitor) -> None:
    ada_browser.expects("ERR_INTERNET_DISCONNECTED")
    page = ada_browser.open(NEW)
    page.get_by_label("Task").fill("Do it.")
    ada_browser.context.set_offline(True)
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    expect(page.get_by_role("button", name="Launch")).to_be_enabled()
    expect(page.get_by_label("Task")).to_have_value("Do it.")


def test_the_form_is_shown_as_code_for_other_programs(ada_browser: Visitor) -> None:
    page = ada_browser.open(NEW)
    page.get_by_label("Task").fill("Who's there?")
    page.get_by_label("Model", exact=True).fill("openai/length")
    page.get_by_text("The same request from a shell or a program").click()
    curl, python = page.locator("#request-curl"), page.locator("#request-python")
    expect(curl).to_contain_text("/api/v1/projects/demo/runs")
    expect(curl).to_contain_text("Who'\\''s there?")
    expect(python).to_contain_text('model="rlm/demo"')
    expect(python).to_contain_text('"model": "openai/length",')
    expect(page.locator("[data-part=request-cut]")).to_be_hidden()
    page.get_by_label("Paste text").fill("x" * 3000)
    expect(page.locator("[data-part=request-cut]")).to_be_visible()
    expect(curl).not_to_contain_text("xxx")
