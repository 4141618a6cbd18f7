"""Claims, heartbeats, sweeps: a run has at most one worker, and never none for long."""

import os
import re
import socket
import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.models.functions import Now

from rlmlab import scoping
from rlmlab.engine.projection import Projection
from tests.database import Execute
from tests.factories.runs import finished_run, hold, make_run, reload, steps
from tests.factories.tenancy import Tenant
from trajectories import leases, queue, store
from trajectories.models import Run

UNASKED = leases.Beat(1, cancel_requested=False, pause_requested=False)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Runs that workers were woken for."""
    found: list[UUID] = []
    monkeypatch.setattr(queue, "enqueue", lambda **ids: found.append(ids["run_id"]))
    return found


def change(run: Run, **columns: Any) -> None:
    with scoping.organization(run.organization_id):
        Run.objects.for_org(run.organization_id).filter(id=run.id).update(**columns)


def claim(run: Run, owner: str = "worker") -> Any:
    return leases.claim(run_id=run.id, organization_id=run.organization_id, owner=owner)


def test_claim_takes_a_waiting_run(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    holder = claim(run)
    assert (holder.run_id, holder.owner, holder.fence) == (run.id, "worker", 1)
    taken = reload(run)
    assert (taken.status, taken.lease_owner, taken.fence) == ("running", "worker", 1)
    assert taken.started_at is not None
    assert timedelta(seconds=1) < taken.lease_until - taken.started_at <= timedelta(seconds=2)


def test_claim_leaves_a_run_that_somebody_has(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    claim(run, "first")
    assert claim(run, "second") is None
    assert reload(run).lease_owner == "first"


def test_claim_takes_over_when_the_lease_ran_out(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    claim(run, "first")
    started = reload(run).started_at
    change(run, lease_until=Now() - timedelta(milliseconds=1))
    assert claim(run, "second").fence == 2
    assert reload(run).started_at == started


def test_claim_leaves_an_ended_run_and_another_organizations(acme: Tenant, bolt: Tenant) -> None:
    assert claim(finished_run(acme.principal, acme.project)) is None
    run = make_run(acme.principal, acme.project)
    assert leases.claim(run_id=run.id, organization_id=bolt.organization.id, owner="worker") is None


@pytest.mark.django_db(transaction=True)
def test_claim_does_not_wait_for_another_claim(acme: Tenant, as_owner: Execute) -> None:
    run = make_run(acme.principal, acme.project)
    as_owner("BEGIN")
    as_owner("SELECT id FROM trajectories_run WHERE id = %s FOR UPDATE", run.id)
    assert claim(run) is None
    as_owner("ROLLBACK")
    assert claim(run).fence == 1


def test_beat_prolongs_only_what_is_ones_own(acme: Tenant, bolt: Tenant) -> None:
    mine, theirs = make_run(acme.principal, acme.project), make_run(bolt.principal, bolt.project)
    gone = make_run(acme.principal, acme.project)
    claim(mine)
    claim(theirs)
    claim(gone, "other")
    before = reload(mine).lease_until
    found = leases.beat(owner="worker", run_ids=[mine.id, theirs.id, gone.id])
    assert found == {mine.id: UNASKED, theirs.id: UNASKED}
    assert reload(mine).lease_until > before


def test_sweep_wakes_workers_for_lost_and_waiting_runs_once_a_lease(acme: Tenant, sent: list[UUID]) -> None:
    fresh, lost, waiting, working = (make_run(acme.principal, acme.project) for _ in range(4))
    finished_run(acme.principal, acme.project)
    sent.clear()
    hold(lost)
    hold(working)
    old = Now() - timedelta(seconds=3)
    change(lost, lease_until=old, enqueued_at=old)
    change(waiting, enqueued_at=old)
    change(working, enqueued_at=old)
    assert leases.sweep() == 2
    assert set(sent) == {lost.id, waiting.id}
    assert leases.sweep() == 0
    assert reload(fresh).status == "queued"


@pytest.mark.parametrize(("sent_ago", "woken"), [(50, 0), (70, 1)])
def test_sweep_wakes_a_run_that_waits_long_more_seldom(
    acme: Tenant, sent: list[UUID], sent_ago: int, woken: int
) -> None:
    run = make_run(acme.principal, acme.project)
    sent.clear()
    change(run, queued_at=Now() - timedelta(minutes=10), enqueued_at=Now() - timedelta(seconds=sent_ago))
    assert leases.sweep() == woken
    assert sent == [run.id] * woken


def test_given_up_run_can_be_claimed_and_is_swept_at_once(acme: Tenant, sent: list[UUID]) -> None:
    run = make_run(acme.principal, acme.project)
    sent.clear()
    holder = hold(run)
    leases.give_up(holder)
    assert sent == [run.id]
    assert leases.sweep() == 1
    assert claim(run, "next").fence == 2
    leases.give_up(holder)
    assert reload(run).lease_owner == "next"


def test_dead_workers_of_this_host_lose_their_leases(
    acme: Tenant, sent: list[UUID], capsys: pytest.CaptureFixture[str]
) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    host = socket.gethostname()[:60]
    runs = {name: make_run(acme.principal, acme.project) for name in ("dead", "alive", "elsewhere")}
    sent.clear()
    claim(runs["dead"], f"{host}:{child.pid}:aa")
    claim(runs["alive"], f"{host}:{os.getpid()}:bb")
    claim(runs["elsewhere"], f"other-{host}:{child.pid}:cc")
    call_command("expire_leases")
    assert capsys.readouterr().out == "1 runs were given back\n"
    assert sent == [runs["dead"].id]
    assert claim(runs["dead"], "next") is not None
    assert claim(runs["alive"], "next") is None
    assert claim(runs["elsewhere"], "next") is None


def test_a_zombie_is_dead(acme: Tenant) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not leases._lives(f"host:{child.pid}:aa")
    child.wait()


def test_owner_names_differ() -> None:
    assert leases.owner_name() != leases.owner_name()
    assert leases.owner_name().split(":")[1] == str(os.getpid())
    connections.close_all()


def test_what_changes_while_a_run_works_stands_in_no_index(acme: Tenant) -> None:
    """PostgreSQL would write each heartbeat and each batch to all indexes of the table, those of texts included."""
    events = steps(make_run(acme.principal, acme.project))[:3]
    batch = store.run_columns(store.take(Projection(), events))
    assert {"last_seq", "cost_usd", "seconds"} <= batch.keys()
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'trajectories_run'")
        indexed = {word for (text,) in cursor.fetchall() for word in re.findall(r"\w+", text)}
    assert {"created_at", "status", "title", "task"} <= indexed
    assert {*batch, "lease_until", "lease_owner", "fence", "enqueued_at", "cancel_requested"} & indexed == set()
