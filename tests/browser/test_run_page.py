"""The run page's views, links, keys, details and exports, on a run that has ended and on one that goes on."""

import json
import re
import shlex
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Reply, code, submit, turns
from tests.live import Process
from trajectories.models import Run

TASK = 'It\'s "quoted", $HOME and `date`\nin two lines'


@pytest.fixture
def script(model_server: ModelServer, console_worker: Process) -> Iterator[ModelServer]:
    """The model server, emptied afterwards."""
    yield model_server
    model_server.release()
    model_server.reset()


@pytest.fixture
def rich(script: ModelServer, acme: Tenant) -> Run:
    """A run of three steps: a batch of 60 sub-calls, an error, an answer."""
    batch = code('print(llm_query_batched([f"chunk {i}: what failed?" for i in range(60)])[59])')
    script.behave("rich", turns(f"I ask.\n{batch}", code("print(missing)"), submit("**42**")))
    return make_run(acme.principal, acme.project, model="openai/rich", task=TASK, tags=["night"])


def opened(visitor: Visitor, run: Run, query: str = "") -> Page:
    page = visitor.open(f"/runs/{run.id}{query}")
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    return page


def chosen(page: Page, view: str) -> None:
    expect(page.get_by_role("button", name=re.compile(f"^{view}"))).to_have_attribute("aria-pressed", "true")


def test_one_run_has_three_views_and_the_url_keeps_them(ada_browser: Visitor, rich: Run) -> None:
    page = opened(ada_browser, rich)
    outline = page.locator("rlm-outline")
    outline.get_by_role("button", name="Timeline").click()
    expect(page.get_by_role("listbox", name="Timeline").get_by_role("option").first).to_contain_text("Run")
    assert "view=timeline" in page.url
    outline.get_by_label("Kind of span").select_option("execution")
    expect(page.locator(".time-row")).to_have_count(3)
    page.reload()
    chosen(page, "Timeline")
    expect(page.locator(".time-row")).to_have_count(3)
    expect(outline.get_by_label("Kind of span")).to_have_value("execution")
    outline.get_by_role("button", name="Errors").click()
    expect(page.locator(".problem-row")).to_have_count(1)
    expect(page.locator(".problem-row")).to_contain_text("NameError")
    expect(page.locator(".problem-row")).to_contain_text("Step 2")


def test_the_timeline_is_walked_by_the_keyboard(ada_browser: Visitor, rich: Run) -> None:
    page = opened(ada_browser, rich, "?view=timeline")
    rows = page.get_by_role("listbox", name="Timeline")
    rows.focus()
    page.keyboard.press("ArrowDown")
    selected = page.locator(".time-row[aria-selected=true]")
    expect(selected).to_contain_text("Run")
    page.keyboard.press("End")
    expect(selected).to_contain_text("Cell 3")
    expect(rows).to_have_attribute("aria-activedescendant", selected.get_attribute("id") or "")
    page.keyboard.press("h")
    expect(selected).to_contain_text("Step 3")
    page.keyboard.press("Home")
    expect(selected).to_contain_text("Run")


def test_a_link_to_a_sub_call_far_down_opens_it_after_a_reload(ada_browser: Visitor, rich: Run) -> None:
    page = opened(ada_browser, rich)
    page.keyboard.press("/")
    page.keyboard.type("chunk 57")
    page.locator(".tree-row", has_text="chunk 57").first.click()
    link = page.url
    assert "span=" in link
    page.get_by_label("Find in spans").fill("")
    page.goto(link.replace("find=chunk+57&", ""))
    expect(page.locator(".tree-row[aria-selected=true]")).to_be_in_viewport()
    call = page.locator(".calls-list li.is-selected")
    expect(call).to_be_in_viewport()
    expect(call).to_contain_text("echo: chunk 57: what failed?")
    details = page.locator("rlm-details")
    expect(details).to_contain_text("58 of 60")
    expect(details).to_contain_text("chunk 57: what failed?")


def test_details_tell_spend_request_and_usage(ada_browser: Visitor, rich: Run) -> None:
    page = opened(ada_browser, rich)
    details = page.locator("rlm-details")
    expect(details.locator(".spend thead")).to_contain_text(re.compile(r"Self\s*Subtree"))
    expect(details.locator(".spend")).to_contain_text(re.compile(r"Model calls\s*3\s*63"))
    page.locator(".tree-row", has_text="Step 2").locator("xpath=following-sibling::*[1]").click()
    expect(details).to_contain_text("Request · 4 messages")
    details.locator("summary", has_text="observation").click()
    expect(details.locator("details[open] pre")).to_contain_text("echo: chunk 59")
    page.locator(".tree-row", has_text="Cell 2").click()
    expect(details.locator(".notice")).to_contain_text("cell_error")
    expect(details).to_contain_text(re.compile(r"CPU\s*[\d<]"))
    expect(details).to_contain_text(re.compile(r"Peak memory\s*\d"))
    expect(details).to_contain_text("Measured by")


def test_details_tell_tokens_in_buckets_that_add_up(ada_browser: Visitor, script: ModelServer, acme: Tenant) -> None:
    cached = Reply(submit("42"), usage_form="openrouter", cached_tokens=60, cache_write_tokens=20, reasoning_tokens=12)
    script.behave("cached", lambda _call: cached)
    page = opened(ada_browser, make_run(acme.principal, acme.project, model="openai/cached"))
    rows = page.locator("rlm-details .spend tbody tr")
    shown = {}
    for text in rows.all_inner_texts():
        word, first, *_ = text.split("\t")
        shown[word.strip()] = first.strip().replace(",", "")
    buckets = ["Input", "Cache read", "Cache write", "Output", "Reasoning"]
    assert [shown[word] for word in buckets[1:3]] + [shown["Reasoning"]] == ["60", "20", "12"]
    assert sum(int(shown[word]) for word in buckets) == int(shown["Tokens"])


def test_the_transcript_is_the_conversation_and_each_message_has_a_link(ada_browser: Visitor, rich: Run) -> None:
    ada_browser.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened(ada_browser, rich)
    page.keyboard.press("2")
    heads = page.locator(".message h2")
    expect(heads).to_have_text(["System", "User", "Model", "User", "Model", "User", "Model"])
    expect(page.locator(".message").nth(5)).to_contain_text("NameError")
    page.locator(".message").nth(5).get_by_role("button", name="Copy link to this message").click()
    link = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"\?show=transcript&at=\d+$", link)
    page.goto(link)
    expect(page.locator(".message.is-selected")).to_contain_text("NameError")
    expect(page.locator(".message.is-selected")).to_be_in_viewport()


def test_raw_events_are_the_record(ada_browser: Visitor, rich: Run) -> None:
    ada_browser.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened(ada_browser, rich, "?show=raw&at=3")
    expect(page.locator(".raw-event")).to_contain_text("Event 3")
    page.get_by_role("button", name="Copy JSON").click()
    event = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert (event["seq"], event["type"], event["payload"]["purpose"]) == (3, "message", "task")
    page.get_by_role("listbox", name="Events").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".raw-event")).to_contain_text("Event 4")
    assert "at=4" in page.url
    page.locator(".tree-row", has_text="Cell 2").click()
    page.get_by_role("button", name="This span's").click()
    expect(page.locator(".event-row")).to_have_count(4)
    expect(page.locator(".event-row").nth(1)).to_contain_text("print(missing)")


def test_a_run_is_exported_as_files_and_as_the_request_that_made_it(
    ada_browser: Visitor, rich: Run, acme: Tenant
) -> None:
    ada_browser.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened(ada_browser, rich)
    found = {}
    for name in ("JSON", "JSONL"):
        page.locator("summary", has_text="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=re.compile(rf"^{name}\b")).click()
        found[name] = download.value.path().read_text()
        assert download.value.suggested_filename == f"run-{rich.id}.{name.lower()}"
    document = json.loads(found["JSON"])
    assert document["run"]["task"] == TASK
    assert document["events"] == [json.loads(line) for line in found["JSONL"].splitlines()]
    page.locator("summary", has_text="Export").click()
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator(".toast")).to_contain_text("$RLMLAB_API_KEY")
    words = shlex.split(page.evaluate("navigator.clipboard.readText()").replace("\\\n", ""))
    assert words[0] == "curl"
    assert words[2] == f"{ada_browser.url}/api/v1/projects/demo/runs"
    assert "Authorization: Bearer $RLMLAB_API_KEY" in words
    answer = page.request.post(
        words[2],
        data=words[-1],
        headers={"Authorization": f"Bearer {acme.key}", "Content-Type": "application/json"},
    )
    assert answer.status == 202
    again = answer.json()
    assert {name: again[name] for name in ("task", "model", "tags", "budget")} == {
        name: document["run"][name] for name in ("task", "model", "tags", "budget")
    }


def test_keys_go_to_the_problem_the_costliest_call_and_the_answer(ada_browser: Visitor, rich: Run) -> None:
    page = opened(ada_browser, rich)
    title = page.locator("rlm-details h2")
    page.keyboard.press("!")
    expect(title).to_have_text("Cell 2")
    page.keyboard.press("$")
    expect(title).to_have_text("rich")
    page.keyboard.press("a")
    expect(page.locator("rlm-answer .answer-body")).to_be_focused()
    page.keyboard.press("t")
    chosen(page, "Timeline")
    page.keyboard.press("t")
    chosen(page, "Tree")


def test_a_live_run_grows_on_the_timeline_and_in_the_transcript(
    ada_browser: Visitor, script: ModelServer, acme: Tenant
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hold")
    page = ada_browser.open(f"/runs/{run.id}?view=timeline&show=transcript")
    expect(page.locator(".time-bar.is-running").first).to_be_visible()
    expect(page.locator(".message").last).to_contain_text("hold is writing")
    took = page.locator(".time-row").first.locator(".time-took")
    before = took.inner_text()
    expect(took).not_to_have_text(before)
    script.release()
    expect(page.locator(".message").last).to_contain_text("answer[")
    expect(page.locator(".time-bar.is-running")).to_have_count(0)
