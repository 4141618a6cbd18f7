"""Tools over REST: what there is, what a run may be given, what a project allows."""

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from tests.api.conftest import ApiClient
from tests.factories.tenancy import Tenant

RUNS = "/api/v1/projects/demo/runs"
PROJECT = "/api/v1/projects/demo"


def test_tools_are_listed_with_their_schemas(as_ada: ApiClient) -> None:
    page = as_ada.get("/api/v1/tools").json()
    assert page["next_cursor"] is None
    assert [tool["name"] for tool in page["items"]] == [
        "list_files",
        "read_file",
        "grep",
        "slice_context",
        "http_fetch",
    ]
    read = page["items"][1]
    assert read["signature"] == "read_file(name: str, start: int = 0, length: int = 20000) -> dict"
    assert read["description"].startswith("Read a part of one of the run's files")
    assert read["parameters"]["required"] == ["name"]
    assert read["parameters"]["properties"]["length"] == {
        "type": "integer",
        "description": "Bytes to read.",
        "minimum": 1,
        "maximum": 200_000,
        "default": 20_000,
    }
    assert read["timeout_seconds"] == 30.0
    assert "here" not in page["items"][2]["parameters"]["properties"]


def test_run_is_given_tools_and_shows_them(as_ada: ApiClient) -> None:
    answer = as_ada.send(RUNS, {"task": "Count.", "tools": ["grep", "list_files"]})
    assert answer.status_code == 202, answer.content
    assert answer.json()["tools"] == ["grep", "list_files"]
    assert as_ada.get(RUNS).json()["items"][0]["tools"] == ["grep", "list_files"]


def test_wrong_tool_is_named(as_ada: ApiClient) -> None:
    answer = as_ada.send(RUNS, {"task": "Count.", "tools": ["grep", "sudo", "http_fetch"]})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["tools.1", "tools.2"]
    assert "there are list_files, read_file, grep" in answer.json()["errors"][0]["message"]


def test_project_allows_hosts_and_the_audit_log_says_so(as_ada: ApiClient, acme: Tenant) -> None:
    assert as_ada.get(PROJECT).json()["allowed_hosts"] == []
    answer = as_ada.patch(PROJECT, {"allowed_hosts": ["*.Example.com"]}, content_type="application/json")
    assert answer.json()["allowed_hosts"] == ["*.example.com"]
    with scoping.organization(acme.organization):
        entry = AuditEntry.objects.filter(action="project.configure").get()
    assert entry.changes["allowed_hosts"] == {"from": [], "to": ["*.example.com"]}
    assert as_ada.send(RUNS, {"task": "Count.", "tools": ["http_fetch"]}).status_code == 202
    wrong = as_ada.patch(PROJECT, {"allowed_hosts": ["a.example", "169.254.169.254"]}, content_type="application/json")
    assert [error["field"] for error in wrong.json()["errors"]] == ["allowed_hosts.1"]
