"""The runner in this process: claims, failures of our own, lost leases, stopping."""

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError

from rlmlab import scoping
from rlmlab.engine.errors import BadPrices
from rlmlab.engine.providers.access import SharedProvider
from rlmlab.engine.providers.routing import build_provider
from rlmlab.errors import Invalid
from rlmlab.tenancy.actions.prices import set_price
from rlmlab.tenancy.actions.providers import remove_provider_key, set_provider_key
from tests.factories.runs import make_run, record, reload, steps
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.live import wait_until
from trajectories import leases, queries, queue, store, worker
from trajectories.actions.runs import cancel_run
from trajectories.models import Run
from trajectories.runner import Runner
from trajectories.tasks import execute_run, sweep_runs

pytestmark = pytest.mark.django_db(transaction=True)


async def make_provider() -> SharedProvider:
    return build_provider(settings.RLMLAB, os.environ)


@pytest.fixture
def runner(model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    model_server.reset()
    made = Runner(make_provider)
    made.start()
    monkeypatch.setattr("trajectories.tasks.runner", lambda: made)
    yield made
    made.stop()


@pytest.fixture
def handed(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], Any]:
    """Hand a run over without waiting for it, as many Celery threads would."""

    def hand(run: Run) -> Any:
        return runner._submit(runner._claimed(run.id, run.organization_id))

    return hand


def change(run: Run, **columns: Any) -> None:
    with scoping.organization(run.organization_id):
        Run.objects.for_org(run.organization_id).filter(id=run.id).update(**columns)


def calls_of(server: ModelServer, model: str) -> int:
    return sum(call.model == model for call in server.calls)


def test_task_works_on_a_run_and_returns_when_it_has_ended(runner: Runner, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/length", context="abc")
    execute_run(run_id=str(run.id), organization_id=str(run.organization_id), unknown="of a newer release")
    ended = reload(run)
    assert (ended.status, ended.answer, ended.fence) == ("succeeded", "3", 1)
    assert ended.environment_level
    execute_run(run_id=str(run.id), organization_id=str(run.organization_id))
    assert reload(run).fence == 1


def test_sweep_task_wakes_for_waiting_runs(runner: Runner, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(acme.principal, acme.project)
    change(run, enqueued_at="2020-01-01T00:00:00Z")
    woken: list[Any] = []
    monkeypatch.setattr(queue, "_send", lambda *ids: woken.append(ids))
    sweep_runs()
    assert woken == [(str(run.id), str(run.organization_id))]


def test_two_messages_for_a_run_start_it_once(
    handed: Callable[[Run], Any], acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/delay-300")
    for work in [handed(run), handed(run)]:
        work.result(20)
    assert reload(run).fence == 1
    assert calls_of(model_server, "delay-300") == 1


def test_run_that_was_cancelled_before_it_was_claimed_makes_no_call(
    runner: Runner, acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/submit")
    change(run, cancel_requested=True)
    runner.run(run_id=run.id, organization_id=run.organization_id)
    assert reload(run).status == "cancelled"
    assert calls_of(model_server, "submit") == 0


def test_message_stops_a_run(handed: Callable[[Run], Any], acme: Tenant, model_server: ModelServer) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    work = handed(run)
    wait_until(lambda: calls_of(model_server, "hang") == 1)
    cancel_run(by=acme.principal, run=run)
    work.result(2)
    assert reload(run).finish_reason == "cancelled"


def test_heartbeat_keeps_the_lease_and_notices_when_it_is_lost(
    handed: Callable[[Run], Any], acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    work = handed(run)
    wait_until(lambda: calls_of(model_server, "hang") == 1 and reload(run).last_seq > 2)
    first = reload(run).lease_until
    wait_until(lambda: reload(run).lease_until > first)
    change(run, lease_owner="another", fence=7)
    work.result(5)
    lost = reload(run)
    assert (lost.status, lost.lease_owner, lost.fence) == ("running", "another", 7)


def test_run_with_a_dead_workers_events_is_closed(runner: Runner, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    leases.give_up(record(run, steps(run)[:3]))
    runner.run(run_id=run.id, organization_id=run.organization_id)
    assert (reload(run).error_code, reload(run).last_seq) == ("worker_lost", 6)


def test_events_that_cannot_be_stored_end_the_run(
    runner: Runner, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/submit")
    real, failures = store.append, [DataError("not storable")]

    def append(*args: Any) -> None:
        if failures:
            raise failures.pop()
        real(*args)

    monkeypatch.setattr(store, "append", append)
    runner.run(run_id=run.id, organization_id=run.organization_id)
    assert (reload(run).status, reload(run).finish_reason) == ("failed", "error")


def test_drain_gives_runs_up_and_takes_no_new_ones(
    runner: Runner, handed: Callable[[Run], Any], acme: Tenant, model_server: ModelServer
) -> None:
    run, late = (make_run(acme.principal, acme.project, model="openai/hang") for _ in range(2))
    work = handed(run)
    wait_until(lambda: calls_of(model_server, "hang") == 1 and reload(run).last_seq > 2)
    runner.drain(0.1)
    work.result(10)
    handed(late).result(5)
    wait_until(lambda: leases.claim(run_id=run.id, organization_id=run.organization_id, owner="next") is not None)
    assert reload(late).status == "queued"


def test_provider_that_cannot_be_built_ends_the_run_with_its_reason(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> SharedProvider:
        raise BadPrices("prices.json: not JSON")

    monkeypatch.setattr(worker, "build_provider", refuse)
    run = make_run(acme.principal, acme.project)
    made = Runner(worker.make_provider)
    made.start()
    made.run(run_id=run.id, organization_id=run.organization_id)
    made.stop()
    ended = reload(run)
    assert ended.status == "failed"
    assert "prices.json: not JSON" in ended.error_message


@pytest.mark.parametrize(
    ("environ", "uses"), [({}, False), ({"OPENAI_API_KEY": "k"}, False), ({"ANTHROPIC_API_KEY": "k"}, True)]
)
def test_gateway_is_warmed_only_for_those_who_need_it(environ: dict[str, str], uses: bool) -> None:
    assert worker.uses_gateway(environ) is uses


def authorizations(server: ModelServer, task: str) -> set[str]:
    calls = [call for call in server.calls if any(task in message["content"] for message in call.messages)]
    return {call.headers["authorization"] for call in calls}


def test_each_organization_calls_with_its_own_key_at_the_same_time(
    handed: Callable[[Run], Any], acme: Tenant, bolt: Tenant, model_server: ModelServer
) -> None:
    set_provider_key(by=acme.principal, provider="openai", api_key="sk-acme-0123456789")
    set_provider_key(by=bolt.principal, provider="openai", api_key="sk-bolt-0123456789")
    made = [
        make_run(
            tenant.principal, tenant.project, model="openai/delay-300", task=f"Count for {tenant.organization.slug}."
        )
        for tenant in (acme, bolt, acme, bolt)
    ]
    for work in [handed(run) for run in made]:
        work.result(30)
    assert {reload(run).status for run in made} == {"succeeded"}
    assert model_server.most_open_calls >= 2
    assert authorizations(model_server, "Count for acme.") == {"Bearer sk-acme-0123456789"}
    assert authorizations(model_server, "Count for bolt.") == {"Bearer sk-bolt-0123456789"}
    stored = [str(event.payload) for run in made for event in queries.events_page(reload(run), limit=1000)]
    assert not any("0123456789" in payload for payload in stored)


def test_own_price_is_the_one_on_the_calls(runner: Runner, acme: Tenant) -> None:
    set_price(by=acme.principal, model="openai/submit", input_usd=Decimal(1_000_000), output_usd=Decimal(0))
    run = make_run(acme.principal, acme.project, model="openai/submit", budget={"max_cost_usd": 1_000_000})
    runner.run(run_id=run.id, organization_id=run.organization_id)
    ended = reload(run)
    assert (ended.status, ended.cost_usd) == ("succeeded", float(ended.input_tokens))


def test_run_whose_key_was_taken_away_while_it_waited_says_so(
    runner: Runner, acme: Tenant, model_server: ModelServer
) -> None:
    key = set_provider_key(by=acme.principal, provider="groq", api_key="sk-acme-0123456789")
    run = make_run(acme.principal, acme.project, model="groq/submit")
    remove_provider_key(by=acme.principal, provider_key_id=key.id)
    runner.run(run_id=run.id, organization_id=run.organization_id)
    ended = reload(run)
    assert (ended.status, ended.finish_reason, ended.error_code) == ("failed", "error", "missing_credentials")
    assert ended.error_message.startswith("No credentials for groq: add a key under Settings")
    assert model_server.calls == []
    with pytest.raises(Invalid, match="model: No credentials for groq"):
        make_run(acme.principal, acme.project, model="groq/submit")


def test_run_with_fallback_models_goes_on_with_the_next(runner: Runner, acme: Tenant) -> None:
    run = make_run(
        acme.principal, acme.project, model="openai/unauthorized", fallback_models=["openai/not-found", "openai/submit"]
    )
    assert run.fallback_models == ["openai/not-found", "openai/submit"]
    runner.run(run_id=run.id, organization_id=run.organization_id)
    assert (reload(run).status, reload(run).answer) == ("succeeded", "42")


def test_limit_without_a_price_says_where_to_set_one(runner: Runner, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/submit", budget={"max_cost_usd": 1.0})
    runner.run(run_id=run.id, organization_id=run.organization_id)
    assert (reload(run).error_code, reload(run).status) == ("unpriced_model", "failed")
    assert reload(run).error_message.endswith("set a price under Settings → Providers & models")
