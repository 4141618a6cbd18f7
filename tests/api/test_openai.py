"""The endpoint for clients of OpenAI's API, without a worker: what it makes of requests, and what it refuses how."""

import gc
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse

from rlmlab import scoping
from rlmlab.api import openai
from rlmlab.api.schemas.openai import MessageIn
from rlmlab.tenancy.actions.projects import create_project
from tests.api.conftest import ApiClient
from tests.factories.tenancy import Tenant
from trajectories.actions.runs import cancel_run
from trajectories.models import Run
from trajectories.requests import RunRequest

pytestmark = pytest.mark.django_db
URL = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Say hello."}]
LONG = "All the bees are busy. " * 500


def body(**more: Any) -> dict[str, Any]:
    return {"model": "rlm/demo", "messages": HELLO, "stream": True} | more


def started(client: ApiClient, tenant: Tenant, headers: dict[str, str] | None = None, **more: Any) -> Run:
    response = client.send(URL, body(**more), **headers or {})
    assert response.status_code == 200, response.content
    with scoping.organization(tenant.organization):
        return Run.objects.for_org(tenant.organization).get(id=response["X-RLM-Run"])


def failure(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return dict(error)


def read(response: Any) -> str:
    async def joined() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(joined)().decode()


def test_the_runs_other_fields_stand_in_rlm(as_ada: ApiClient, acme: Tenant) -> None:
    given = {"budget": {"max_steps": 4}, "tags": ["a"], "seed": 7, "title": "T", "use_memory": True}
    run = started(as_ada, acme, rlm=given, seed=9, metadata={"k": "v"}, user="u")
    assert (run.max_steps, run.tags, run.seed, run.title, run.use_memory) == (4, ["a", "user:u", "k:v"], 7, "T", True)


def test_of_limits_in_headers_and_body_the_lower_holds(as_ada: ApiClient, acme: Tenant) -> None:
    headers = {"X-RLM-Max-Tokens": "5000", "X-RLM-Max-Steps": "9", "X-RLM-Max-Cost-USD": "0.25"}
    run = started(as_ada, acme, headers, rlm={"budget": {"max_tokens": 7000, "max_steps": 3}})
    assert (run.max_tokens, run.max_steps, run.max_cost_usd) == (5000, 3, 0.25)


def test_formats_become_schemas(as_ada: ApiClient, acme: Tenant) -> None:
    leaf = {"type": "object", "properties": {"n": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/L"}}, "$defs": {"L": leaf}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    run = started(as_ada, acme, response_format=wanted)
    assert run.response_schema == {"type": "object", "properties": {"a": leaf}}
    assert started(as_ada, acme, response_format={"type": "json_object"}).response_schema == {"type": "object"}
    assert started(as_ada, acme, response_format={"type": "text"}).response_schema is None


def test_what_has_no_effect_is_taken_and_named(as_ada: ApiClient, acme: Tenant) -> None:
    response = as_ada.send(URL, body(temperature=0.1, top_p=1, store=False, n=1, tools=[], stop=None, logprobs=False))
    assert response["X-RLM-Ignored"] == "temperature, top_p, store"
    assert "X-RLM-Ignored" not in as_ada.send(URL, body())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 2), ("tools", [{"type": "function"}]), ("tool_choice", "required"), ("logprobs", True), ("stop", ["x"]),
        ("top_logprobs", 3), ("logit_bias", {"1": 1}), ("modalities", ["audio"]), ("functions", [{}]),
    ],
)  # fmt: skip
def test_what_would_change_the_answer_is_refused_by_name(as_ada: ApiClient, field: str, value: Any) -> None:
    error = failure(as_ada.send(URL, body(**{field: value})), 400)
    assert (error["param"], error["code"]) == (field, "unsupported_parameter")
    assert "is not supported" in error["message"]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"surprise": 1}, "surprise", "unknown_parameter"),
        ({"rlm": {"surprise": 1}}, "rlm.surprise", "unknown_parameter"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role", "invalid_value"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages", "invalid_value"),
        ({"messages": [{"role": "tool", "content": "x"}, *HELLO]}, "messages.0", "invalid_value"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
            "messages.0.content.0",
            "invalid_value",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "x"}}]}]},
            "messages.0.content.0.file.file_id",
            "invalid_value",
        ),
        ({"seed": -1}, "seed", "invalid_value"),
        ({"metadata": {"k": "v" * 60}}, "metadata.k", "invalid_value"),
        ({"rlm": {"model": "nobody/x"}}, "rlm.model", "invalid_value"),
        ({"rlm": {"tools": ["nothing"]}}, "rlm.tools.0", "invalid_value"),
        ({"rlm": {"budget": {"max_steps": 0}}}, "rlm.budget.max_steps", "invalid_value"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "invalid_value"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"pattern": "x"}}}},
            "response_format",
            "invalid_value",
        ),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_as_the_client_wrote_it(
    as_ada: ApiClient, changes: dict[str, Any], param: str, code: str
) -> None:
    error = failure(as_ada.send(URL, body(**changes)), 400)
    assert (error["param"], error["code"]) == (param, code)


def test_a_wrong_header_is_named(as_ada: ApiClient) -> None:
    error = failure(as_ada.send(URL, body(), **{"X-RLM-Max-Steps": "many"}), 400)
    assert error["param"] == "X-RLM-Max-Steps"


@pytest.mark.parametrize("model", ["gpt-5", "rlm/none", "rlm/", "rlm/../x"])
def test_a_model_that_is_no_project_is_not_found(as_ada: ApiClient, model: str) -> None:
    error = failure(as_ada.send(URL, body(model=model)), 404)
    assert (error["param"], error["code"]) == ("model", "model_not_found")


def test_bo_finds_no_model_of_acme(as_bo: ApiClient, acme: Tenant) -> None:
    create_project(by=acme.principal, slug="only")
    assert failure(as_bo.send(URL, body(model="rlm/only")), 404)["code"] == "model_not_found"
    assert [model["id"] for model in as_bo.get("/v1/models").json()["data"]] == ["rlm/demo"]
    assert failure(as_bo.get("/v1/models/rlm/only"), 404)["code"] == "model_not_found"


def test_vera_sees_models_and_starts_nothing(as_vera: ApiClient) -> None:
    assert as_vera.get("/v1/models/rlm%2Fdemo").json()["id"] == "rlm/demo"
    assert failure(as_vera.send(URL, body()), 403)["type"] == "permission_error"


def test_a_wrong_key_no_key_and_a_body_that_is_none(nobody: ApiClient, as_ada: ApiClient) -> None:
    assert failure(nobody.get("/v1/models"), 401)["code"] == "invalid_api_key"
    assert failure(ApiClient("rlm_x").get("/v1/models"), 401)["code"] == "invalid_api_key"
    assert "request body" in failure(as_ada.post(URL, "{", content_type="application/json"), 400)["message"]
    assert failure(as_ada.post(URL, "a=b", content_type="text/plain"), 415)["type"] == "invalid_request_error"


def test_unknown_addresses_and_methods_have_the_same_form(as_ada: ApiClient) -> None:
    assert failure(as_ada.get("/v1/embeddings"), 404)["code"] == "unknown_url"
    assert failure(as_ada.get(URL), 405)["code"] == "method_not_supported"


def test_answers_tell_how_the_limit_stands(as_ada: ApiClient) -> None:
    assert int(as_ada.get("/v1/models")["RateLimit-Remaining"]) > 0


def test_a_request_repeated_under_its_key_is_the_same_run(as_ada: ApiClient) -> None:
    first = as_ada.send(URL, body(), **{"Idempotency-Key": "a"})
    assert as_ada.send(URL, body(), **{"Idempotency-Key": "a"})["X-RLM-Run"] == first["X-RLM-Run"]
    refused = as_ada.send(URL, body(seed=1), **{"Idempotency-Key": "a"})
    assert failure(refused, 409)["code"] == "idempotency_key_reused"
    assert refused["x-should-retry"] == "false"


@pytest.fixture
def cancelled(as_ada: ApiClient, acme: Tenant) -> Run:
    run = started(as_ada, acme, {"Idempotency-Key": "c"})
    return cancel_run(by=acme.principal, run=run)


@pytest.mark.django_db(transaction=True)
def test_a_run_without_an_answer_is_an_error_that_is_not_tried_again(
    as_ada: ApiClient, acme: Tenant, cancelled: Run
) -> None:
    response = as_ada.send(URL, body(), **{"Idempotency-Key": "c"})
    events = read(response).split("\n\n")
    head, error = json.loads(events[0].removeprefix("data: ")), json.loads(events[-2].removeprefix("data: "))
    assert head["choices"][0]["delta"]["role"] == "assistant"
    assert (error["error"]["type"], error["error"]["code"]) == ("run_failed", "cancelled")
    assert str(cancelled.id) in error["error"]["message"]


def test_models_are_all_projects(as_ada: ApiClient, acme: Tenant) -> None:
    create_project(by=acme.principal, slug="another")
    shown = as_ada.get("/v1/models").json()
    assert shown["object"] == "list"
    assert [model["id"] for model in shown["data"]] == ["rlm/another", "rlm/demo"]
    assert {model["owned_by"] for model in shown["data"]} == {"acme"}


def test_what_is_waited_for_keeps_no_input(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may take hours, and its input be a hundred megabytes."""
    seen: list[int] = []

    def waited(model: str, _following: object) -> HttpResponse:
        gc.collect()
        seen.extend(1 for found in gc.get_objects() if isinstance(found, RunRequest) and found.context == LONG)
        seen.extend(1 for found in gc.get_objects() if isinstance(found, MessageIn) and found.content == LONG)
        return HttpResponse(model)

    monkeypatch.setattr(openai, "_waited", waited)
    messages = [{"role": "user", "content": LONG}]
    assert ApiClient(acme.key).send(URL, body(stream=False, messages=messages)).content == b"rlm/demo"
    assert seen == []
