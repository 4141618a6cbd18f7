"""Tools: chosen in the form of a new run, called by a worker's run in both ways, and shown on its page."""

import re

from playwright.sync_api import expect

from rlmlab.tenancy.actions.projects import configure_project
from tests.browser.conftest import Visitor
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Reply, ToolUse, code, turns
from tests.live import Process
from trajectories.actions.files import store_file
from trajectories.queries import run_for

CELL = """
part = read_file("notes.txt", length=9)["text"]
found = tools_batched([("grep", {"pattern": "Bern"}), ("read_file", {"name": "../secret"})])
print(part, found[0]["matches"][0]["line"], found[1])
FINAL(part)"""


def test_run_calls_tools_in_both_ways_and_its_page_shows_them(
    ada_browser: Visitor, console_worker: Process, model_server: ModelServer, acme: Tenant
) -> None:
    file = store_file(by=acme.principal, project=acme.project, name="notes.txt", chunks=[b"Ada is in\nBern today.\n"])
    uses = (ToolUse("grep", {"pattern": "Ada|Bern"}), ToolUse("grep", {"pattern": "("}), ToolUse("list_files"))
    model_server.behave("gpt-4o-mini", turns(Reply("I look first.", tool_calls=uses), code(CELL)))
    run = make_run(
        acme.principal,
        acme.project,
        model="openai/gpt-4o-mini",
        files=[file.id],
        tools=["list_files", "read_file", "grep"],
    )
    page = ada_browser.open(f"/runs/{run.id}")
    expect(page.locator("[data-part=connection]")).to_have_attribute("data-state", "ended")
    model_server.reset()
    assert run_for(acme.principal, run.id).answer == "Ada is in"
    heads = page.locator(".calls-head")
    expect(heads.first).to_contain_text(re.compile("grep.2"))
    expect(heads.first).to_contain_text("1 failed")
    expect(heads.nth(1)).to_contain_text("list_files")
    heads.nth(1).click()
    expect(page.locator(".calls-body").first).to_contain_text("notes.txt")
    heads.filter(has_text="read_file").first.click()
    body = page.locator(".calls-body").nth(1)
    expect(body).to_contain_text('name = "notes.txt"')
    expect(body).to_contain_text('"text": "Ada is in"')
    body.get_by_role("button", name="Details").click()
    details = page.locator("rlm-details")
    expect(details.locator("h2")).to_have_text("read_file")
    expect(details).to_contain_text("length = 9")
    page.goto(f"{ada_browser.url}/runs/{run.id}?show=transcript")
    transcript = page.locator("rlm-transcript")
    expect(transcript).to_contain_text('grep({"pattern": "Ada|Bern"})')
    expect(transcript.get_by_role("heading", name="Tool")).to_have_count(3)
    expect(transcript).to_contain_text("the pattern cannot be used: missing )")


def test_form_of_a_new_run_offers_tools_and_sends_those_chosen(ada_browser: Visitor, acme: Tenant) -> None:
    page = ada_browser.open("/o/acme/p/demo/runs/new")
    expect(page.get_by_label("http_fetch")).to_be_disabled()
    configure_project(by=acme.principal, project=acme.project, changes={"allowed_hosts": ["api.example.com"]})
    page.reload()
    page.get_by_label("Task").fill("How many birds?")
    page.get_by_label("grep").check()
    page.get_by_label("http_fetch").check()
    page.get_by_role("button", name=re.compile("Launch")).click()
    page.wait_for_url("**/runs/*-*")
    run = run_for(acme.principal, page.url.rsplit("/", 1)[-1])
    assert run.tools == ["grep", "http_fetch"]
