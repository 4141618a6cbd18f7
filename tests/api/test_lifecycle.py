"""Pausing, going on, forking and retrying over the API, with a real worker and a scripted model over HTTP."""

from typing import Any

import pytest

from rlmlab import scoping
from rlmlab.modelserver.scripted.replies import Call, Reply, code
from tests.api.conftest import ApiClient
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import turns
from tests.live import Process, wait_until
from trajectories.models import Run, Span
from trajectories.queries import events_page

pytestmark = pytest.mark.django_db(transaction=True)

THREE = turns(
    code("x = llm_query('one')\nprint(x)"),
    code("y = llm_query_batched(['two', 'three'])\nprint(y)"),
    code('answer["content"] = [x, *y]\nanswer["ready"] = True'),
)


@pytest.fixture(autouse=True)
def fresh(model_server: ModelServer) -> None:
    model_server.reset()


def post(client: ApiClient, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return client.post(f"/api/v1{path}", "" if body is None else body, content_type="application/json", headers=headers)


def settled(run_id: str, *states: str, process: Process) -> Run:
    with_states = states or ("succeeded", "failed", "cancelled")
    row = Run(id=run_id)
    wait_until(lambda: find(row).status in with_states, 30, process.text())
    return find(row)


def find(row: Run) -> Run:
    with scoping.system("look at a run in a test"):
        return Run.objects.get(id=row.id)


def calls(server: ModelServer, model: str) -> int:
    return sum(call.model == model for call in server.calls)


def spans(run: Run, kind: str) -> list[tuple[str, int, str]]:
    with scoping.organization(run.organization_id):
        rows = Span.objects.for_org(run.organization_id).filter(run=run, kind=kind).order_by("first_seq")
        return list(rows.values_list("path", "attempt", "status"))


def finished(acme: Tenant, server: ModelServer, worker: Process, model: str = "three") -> Run:
    server.behave(model, THREE)
    run = make_run(acme.principal, acme.project, model=f"openai/{model}")
    return settled(run.id, process=worker)


def test_fork_shares_what_was_paid_and_goes_its_own_way(
    as_ada: ApiClient,
    acme: Tenant,
    model_server: ModelServer,
    live_worker: Process,
) -> None:
    run = finished(acme, model_server, live_worker)
    assert (run.status, run.model_calls) == ("succeeded", 6)
    with scoping.organization(acme.organization):
        at = Span.objects.for_org(acme.organization).get(run=run, path="2").first_seq
    before = len(model_server.calls)
    body = {"at_seq": at, "code": 'answer["content"] = x + "!"\nanswer["ready"] = True', "tags": ["fork"]}
    answered = post(as_ada, f"/runs/{run.id}/fork", body)
    assert answered.status_code == 202, answered.content
    made = answered.json()
    assert made["origin"] == {"kind": "fork", "run_id": str(run.id), "at_seq": at - 1}
    fork = settled(made["id"], process=live_worker)
    assert (fork.status, fork.answer) == ("succeeded", "echo: one!")
    assert len(model_server.calls) == before
    assert (fork.input_tokens, fork.cost_usd, fork.model_calls, fork.steps) == (0, 0.0, 0, 1)
    assert [event.seq for event in events_page(fork, limit=1000)] == list(range(1, fork.last_seq + 1))
    assert spans(fork, "step") == [("1", 1, "ok"), ("2", 1, "ok")]


def test_fork_with_another_model_asks_that_one_from_there(
    as_ada: ApiClient,
    acme: Tenant,
    model_server: ModelServer,
    live_worker: Process,
) -> None:
    run = finished(acme, model_server, live_worker)
    model_server.behave("other", turns(code("1"), code("print('other')"), code('FINAL([x, "other"])')))
    with scoping.organization(acme.organization):
        at = Span.objects.for_org(acme.organization).get(run=run, path="2").first_seq - 1
    body = {"at_seq": at, "model": "openai/other", "budget": {"max_steps": 5}}
    made = post(as_ada, f"/runs/{run.id}/fork", body).json()
    fork = settled(made["id"], process=live_worker)
    assert (fork.answer, fork.max_steps, fork.steps) == (["echo: one", "other"], 5, 2)
    assert calls(model_server, "other") == 2
    shown = model_server.calls[-1].messages
    assert any("echo: one" in message["content"] for message in shown)
    assert any("The run goes on from here" in message["content"] for message in shown)


def test_retry_goes_on_from_the_last_good_step(
    as_ada: ApiClient,
    acme: Tenant,
    model_server: ModelServer,
    live_worker: Process,
) -> None:
    broken = [True]

    def behave(call: Call) -> Reply:
        if call.is_level and call.turn == 1 and broken[0]:
            return Reply("", status=401)
        return THREE(call)

    model_server.behave("breaks", behave)
    run = settled(make_run(acme.principal, acme.project, model="openai/breaks").id, process=live_worker)
    assert (run.status, run.error_code) == ("failed", "rejected_credentials")
    broken[0] = False
    before = len(model_server.calls)
    made = post(as_ada, f"/runs/{run.id}/retry", **{"Idempotency-Key": "once"}).json()
    again = post(as_ada, f"/runs/{run.id}/retry", **{"Idempotency-Key": "once"}).json()
    assert made["id"] == again["id"]
    retried = settled(made["id"], process=live_worker)
    assert retried.answer == ["echo: one", "echo: two", "echo: three"]
    assert len(model_server.calls) - before == 4
    assert spans(retried, "step") == [("1", 1, "ok"), ("2", 1, "interrupted"), ("2", 2, "ok"), ("3", 1, "ok")]
    assert (retried.steps, retried.sub_calls) == (2, 2)
    assert post(as_ada, f"/runs/{retried.id}/retry").status_code == 409


def test_paused_run_stands_still_and_goes_on_with_a_raised_budget(
    as_ada: ApiClient,
    acme: Tenant,
    model_server: ModelServer,
    live_worker: Process,
) -> None:
    model_server.behave("slow", lambda call: Reply(THREE(call).text, delay_seconds=0.4))
    run = make_run(acme.principal, acme.project, model="openai/slow", budget={"max_steps": 10})
    wait_until(lambda: calls(model_server, "slow") == 2, 20, live_worker.text())
    assert post(as_ada, f"/runs/{run.id}/pause").status_code == 202
    paused = settled(run.id, "paused", process=live_worker)
    assert (paused.lease_owner, paused.finish_reason) == ("", "")
    asked = len(model_server.calls)
    assert {status for _, _, status in spans(paused, "model_call")} == {"ok"}
    assert spans(paused, "step") == [("1", 1, "interrupted")]
    refused = post(as_ada, f"/runs/{run.id}/resume", {"budget": {"max_steps": 0}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "budget.max_steps")
    assert post(as_ada, f"/runs/{run.id}/resume", {"budget": {"max_steps": 20}}).status_code == 202
    ended = settled(run.id, process=live_worker)
    assert (ended.answer, ended.max_steps) == (["echo: one", "echo: two", "echo: three"], 20)
    assert asked + len(model_server.calls[asked:]) == 6
    assert [event.seq for event in events_page(ended, limit=1000)] == list(range(1, ended.last_seq + 1))


def test_exhausted_run_goes_on_as_a_new_one(
    as_ada: ApiClient,
    acme: Tenant,
    model_server: ModelServer,
    live_worker: Process,
) -> None:
    model_server.behave("three", THREE)
    run = make_run(acme.principal, acme.project, model="openai/three", budget={"max_steps": 2})
    short = settled(run.id, process=live_worker)
    assert (short.finish_reason, short.steps) == ("fallback", 2)
    before = len(model_server.calls)
    made = post(as_ada, f"/runs/{run.id}/resume", {"budget": {"max_steps": 3}}).json()
    assert (made["id"] != str(run.id), made["origin"]["kind"]) == (True, "continue")
    ended = settled(made["id"], process=live_worker)
    assert (ended.answer, ended.steps, ended.finish_reason) == (
        ["echo: one", "echo: two", "echo: three"],
        1,
        "submitted",
    )
    assert len(model_server.calls) - before == 1


def test_batch_that_did_not_fit_is_made_when_the_run_goes_on(
    as_ada: ApiClient,
    acme: Tenant,
    model_server: ModelServer,
    live_worker: Process,
) -> None:
    model_server.behave("three", THREE)
    run = make_run(acme.principal, acme.project, model="openai/three", budget={"max_sub_calls": 2})
    short = settled(run.id, process=live_worker)
    assert short.finish_reason == "fallback"
    before = len(model_server.calls)
    made = post(as_ada, f"/runs/{run.id}/resume", {"budget": {"max_sub_calls": 5}}).json()
    ended = settled(made["id"], process=live_worker)
    assert ended.answer == ["echo: one", "echo: two", "echo: three"]
    assert len(model_server.calls) - before == 3
    assert ended.sub_calls == 2


def test_waiting_and_paused_runs_can_be_paused_cancelled_and_resumed(as_ada: ApiClient, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    assert post(as_ada, f"/runs/{run.id}/pause").json()["status"] == "paused"
    assert post(as_ada, f"/runs/{run.id}/pause").json()["status"] == "paused"
    assert post(as_ada, f"/runs/{run.id}/resume").json()["status"] == "queued"
    assert post(as_ada, f"/runs/{run.id}/resume").status_code == 409
    assert post(as_ada, f"/runs/{run.id}/pause").json()["status"] == "paused"
    assert post(as_ada, f"/runs/{run.id}/cancel").status_code == 202
    assert (reload(run).status, reload(run).last_seq) == ("cancelled", 2)
    assert post(as_ada, f"/runs/{run.id}/pause").status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"at_seq": 99}, "at_seq"),
        ({"at_seq": -1}, "at_seq"),
        ({"at_seq": 0, "model": "nobody/knows"}, "model"),
        ({"at_seq": 0, "prompt": "nothing"}, "prompt"),
        ({"at_seq": 0, "code": " "}, "code"),
        ({"at_seq": 0, "budget": {"max_tokens": -5}}, "budget.max_tokens"),
        ({"at_seq": 0, "environment": "moon"}, "environment"),
    ],
)
def test_fork_names_what_is_wrong(as_ada: ApiClient, acme: Tenant, body: dict[str, Any], field: str) -> None:
    run = make_run(acme.principal, acme.project)
    answered = post(as_ada, f"/runs/{run.id}/fork", body)
    assert answered.status_code == 422, answered.content
    assert [error["field"] for error in answered.json()["errors"]] == [field]
