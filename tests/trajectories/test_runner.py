"""The runner in this process: claims, failures of our own, lost leases, stopping."""

import os
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError
from django.db.models.functions import Now

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
from trajectories import intake, leases, queries, queue, store, worker
from trajectories.actions.runs import cancel_run
from trajectories.models import Run
from trajectories.runner import Runner
from trajectories.stored import stored_events
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


def change(run: Run, **columns: Any) -> None:
    with scoping.organization(run.organization_id):
        Run.objects.for_org(run.organization_id).filter(id=run.id).update(**columns)


def wait_for(*runs: Run, seconds: float = 20) -> None:
    """Wait until runs have ended, in the database and in the worker."""
    wait_until(lambda: all(reload(run).is_terminal for run in runs), seconds)


def work(runner: Runner, *runs: Run) -> None:
    """Let a worker take what waits, and wait for these runs."""
    assert runner.wake()
    wait_for(*runs)


def calls_of(server: ModelServer, model: str) -> int:
    return sum(call.model == model for call in server.calls)


def test_task_takes_a_run_and_does_not_wait_for_its_end(
    runner: Runner, acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    execute_run(run_id=str(run.id), organization_id=str(run.organization_id), unknown="of a newer release")
    wait_until(lambda: calls_of(model_server, "hang") == 1)
    assert reload(run).status == "running"
    model_server.release()
    wait_for(run)
    ended = reload(run)
    assert (ended.status, ended.fence) == ("succeeded", 1)
    assert ended.environment_level


def test_one_message_is_enough_for_all_that_waits(runner: Runner, acme: Tenant) -> None:
    runs = [make_run(acme.principal, acme.project, model="openai/length", context="abc") for _ in range(3)]
    work(runner, *runs)
    assert [(reload(run).answer, reload(run).fence) for run in runs] == [("3", 1)] * 3


def test_message_that_finds_nothing_does_nothing(runner: Runner, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/submit")
    work(runner, run)
    for _ in range(5):
        execute_run(run_id=str(run.id), organization_id=str(run.organization_id))
    assert (reload(run).status, reload(run).fence) == ("succeeded", 1)


def test_message_for_a_worker_without_a_free_place_is_left_to_others(
    acme: Tenant, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_server.reset()
    monkeypatch.setattr(settings, "RLMLAB", settings.RLMLAB.model_copy(update={"worker_runs": 1}))
    monkeypatch.setattr(intake, "HOLD_SECONDS", 0.1)
    left: list[Any] = []
    first = make_run(acme.principal, acme.project, model="openai/hang")
    made = Runner(make_provider)
    made.start()
    monkeypatch.setattr("trajectories.tasks.runner", lambda: made)
    wait_until(lambda: calls_of(model_server, "hang") == 1)
    second = make_run(acme.principal, acme.project, model="openai/submit")
    monkeypatch.setattr(queue, "_send", lambda *ids: left.append(ids))
    ids = (str(second.id), str(second.organization_id))
    execute_run(run_id=ids[0], organization_id=ids[1])
    assert left == [ids]
    assert reload(second).status == "queued"
    model_server.release()
    wait_for(first, second)
    made.stop()
    assert reload(second).status == "succeeded"


def test_sweep_task_wakes_for_waiting_runs(runner: Runner, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[Any] = []
    monkeypatch.setattr(queue, "_send", lambda *ids: woken.append(ids))
    runner.drain(0)
    run = make_run(acme.principal, acme.project)
    change(run, enqueued_at="2020-01-01T00:00:00Z")
    woken.clear()
    sweep_runs()
    assert woken == [(str(run.id), str(run.organization_id))]


def test_two_messages_for_a_run_start_it_once(runner: Runner, acme: Tenant, model_server: ModelServer) -> None:
    run = make_run(acme.principal, acme.project, model="openai/delay-300")
    assert runner.wake()
    work(runner, run)
    assert reload(run).fence == 1
    assert calls_of(model_server, "delay-300") == 1


def test_runs_are_found_without_any_message(runner: Runner, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/submit")
    wait_for(run, seconds=5)
    assert reload(run).status == "succeeded"


def test_run_that_was_cancelled_before_it_was_claimed_makes_no_call(
    runner: Runner, acme: Tenant, model_server: ModelServer
) -> None:
    with scoping.organization(acme.organization):
        run = make_run(acme.principal, acme.project, model="openai/submit")
        change(run, cancel_requested=True)
    work(runner, run)
    assert reload(run).status == "cancelled"
    assert calls_of(model_server, "submit") == 0


def test_message_stops_a_run(runner: Runner, acme: Tenant, model_server: ModelServer) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    wait_until(lambda: calls_of(model_server, "hang") == 1)
    cancel_run(by=acme.principal, run=run)
    wait_for(run, seconds=2)
    assert reload(run).finish_reason == "cancelled"


def test_heartbeat_keeps_the_lease_and_notices_when_it_is_lost(
    runner: Runner, acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    wait_until(lambda: calls_of(model_server, "hang") == 1 and reload(run).last_seq > 2)
    first = reload(run).lease_until
    wait_until(lambda: reload(run).lease_until > first)
    change(run, lease_owner="another", fence=7, lease_until="2100-01-01T00:00:00Z")
    wait_until(lambda: not runner._active, 5)
    lost = reload(run)
    assert (lost.status, lost.lease_owner, lost.fence) == ("running", "another", 7)


def test_run_with_a_dead_workers_events_goes_on(runner: Runner, acme: Tenant) -> None:
    with scoping.organization(acme.organization):
        run = make_run(acme.principal, acme.project, model="openai/submit")
        leases.give_up(record(run, steps(run)[:3]))
    work(runner, run)
    assert (reload(run).status, reload(run).takeovers) == ("succeeded", 0)
    with scoping.organization(acme.organization):
        assert [event.seq for event in stored_events(run)] == list(range(1, reload(run).last_seq + 1))


def test_run_that_workers_die_of_is_not_tried_for_ever(runner: Runner, acme: Tenant) -> None:
    with scoping.organization(acme.organization):
        run = make_run(acme.principal, acme.project)
        record(run, steps(run)[:3])
        expired = Now() - timedelta(seconds=1)
        change(run, lease_until=expired, takeovers=leases.MOST_TAKEOVERS, takeover_progress=10)
        queue.enqueue(run_id=run.id, organization_id=run.organization_id)
    work(runner, run)
    assert (reload(run).status, reload(run).error_code) == ("failed", "worker_lost")
    assert reload(run).error_message == (
        "6 workers died in a row while they worked on this, without any progress; it is not tried again"
    )


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
    work(runner, run)
    assert (reload(run).status, reload(run).finish_reason) == ("failed", "error")


def test_drain_gives_runs_up_and_takes_no_new_ones(runner: Runner, acme: Tenant, model_server: ModelServer) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    wait_until(lambda: calls_of(model_server, "hang") == 1 and reload(run).last_seq > 2)
    runner.drain(0.1)
    late = make_run(acme.principal, acme.project, model="openai/hang")
    assert not runner.wake()
    wait_until(lambda: leases.claim(run_id=run.id, organization_id=run.organization_id, owner="next") is not None)
    assert reload(late).status == "queued"


def test_stop_waits_for_the_grace_of_a_drain_that_has_begun(acme: Tenant, model_server: ModelServer) -> None:
    model_server.reset()
    run = make_run(acme.principal, acme.project, model="openai/delay-300")
    made = Runner(make_provider)
    made.start()
    wait_until(lambda: calls_of(model_server, "delay-300") == 1)
    made.drain(10)
    made.stop()
    assert reload(run).status == "succeeded"


def test_own_runs_whose_leases_ran_out_while_the_database_was_away_go_on(
    runner: Runner, acme: Tenant, model_server: ModelServer
) -> None:
    run = make_run(acme.principal, acme.project, model="openai/hang")
    wait_until(lambda: calls_of(model_server, "hang") == 1)
    change(run, lease_until="2020-01-01T00:00:00Z")
    assert runner.wake()
    wait_until(lambda: reload(run).lease_until.year > 2020)
    model_server.release()
    wait_for(run)
    assert (reload(run).status, reload(run).fence) == ("succeeded", 1)


def test_provider_that_cannot_be_built_ends_the_run_with_its_reason(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> SharedProvider:
        raise BadPrices("prices.json: not JSON")

    monkeypatch.setattr(worker, "build_provider", refuse)
    run = make_run(acme.principal, acme.project)
    made = Runner(worker.make_provider)
    made.start()
    work(made, run)
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
    runner: Runner, acme: Tenant, bolt: Tenant, model_server: ModelServer
) -> None:
    set_provider_key(by=acme.principal, provider="openai", api_key="sk-acme-0123456789")
    set_provider_key(by=bolt.principal, provider="openai", api_key="sk-bolt-0123456789")
    made = [
        make_run(
            tenant.principal, tenant.project, model="openai/delay-300", task=f"Count for {tenant.organization.slug}."
        )
        for tenant in (acme, bolt, acme, bolt)
    ]
    wait_for(*made)
    assert {reload(run).status for run in made} == {"succeeded"}
    assert model_server.most_open_calls >= 2
    assert authorizations(model_server, "Count for acme.") == {"Bearer sk-acme-0123456789"}
    assert authorizations(model_server, "Count for bolt.") == {"Bearer sk-bolt-0123456789"}
    stored = [str(event.payload) for run in made for event in queries.events_page(reload(run), limit=1000)]
    assert not any("0123456789" in payload for payload in stored)


def test_own_price_is_the_one_on_the_calls(runner: Runner, acme: Tenant) -> None:
    set_price(by=acme.principal, model="openai/submit", input_usd=Decimal(1_000_000), output_usd=Decimal(0))
    run = make_run(acme.principal, acme.project, model="openai/submit", budget={"max_cost_usd": 1_000_000})
    work(runner, run)
    ended = reload(run)
    assert (ended.status, ended.cost_usd) == ("succeeded", float(ended.input_tokens))


def test_run_whose_key_was_taken_away_while_it_waited_says_so(
    runner: Runner, acme: Tenant, model_server: ModelServer
) -> None:
    key = set_provider_key(by=acme.principal, provider="groq", api_key="sk-acme-0123456789")
    run = make_run(acme.principal, acme.project, model="groq/submit")
    remove_provider_key(by=acme.principal, provider_key_id=key.id)
    work(runner, run)
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
    work(runner, run)
    assert (reload(run).status, reload(run).answer) == ("succeeded", "42")


def test_limit_without_a_price_says_where_to_set_one(runner: Runner, acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, model="openai/submit", budget={"max_cost_usd": 1.0})
    work(runner, run)
    assert (reload(run).error_code, reload(run).status) == ("unpriced_model", "failed")
    assert reload(run).error_message.endswith("set a price under Settings → Providers & models")
