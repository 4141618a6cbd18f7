"""Whose turn it is: organizations take turns, within one the highest priority goes first."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now

from rlmlab import scoping
from rlmlab.tenancy.actions.organizations import set_caps
from tests.database import Execute
from tests.factories.runs import finished_run, make_run, record, reload, steps
from tests.factories.tenancy import Tenant
from trajectories import fairness, leases, store
from trajectories.models import Run, Turn


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trajectories.queue._send", lambda *_: None)


def claim_next(**given: Any) -> store.Holder | None:
    """Claim for one place."""
    held = fairness.claim_next(**given)
    assert len(held) <= 1
    return held[0] if held else None


def change(run: Run, **columns: Any) -> None:
    with scoping.organization(run.organization_id):
        Run.objects.for_org(run.organization_id).filter(id=run.id).update(**columns)


def waiting(tenant: Tenant, count: int = 1, **columns: Any) -> list[Run]:
    runs = [make_run(tenant.principal, tenant.project) for _ in range(count)]
    for run in runs:
        if columns:
            change(run, **columns)
    return runs


def taken(count: int = 1) -> Iterator[UUID]:
    for _ in range(count):
        holder = claim_next(owner="worker")
        assert holder is not None
        yield holder.run_id


def owners(runs: Iterator[UUID], **named: list[Run]) -> list[str]:
    names = {run.id: name for name, of_one in named.items() for run in of_one}
    return [names[run_id] for run_id in runs]


def end(holder: store.Holder) -> None:
    run = Run(id=holder.run_id, organization_id=holder.organization_id, model="m", task="t")
    record(run, steps(run), holder=holder)


def test_nothing_waits(acme: Tenant) -> None:
    finished_run(acme.principal, acme.project)
    assert claim_next(owner="worker") is None


def test_claimed_run_is_leased_by_its_claimant(acme: Tenant) -> None:
    run = waiting(acme)[0]
    holder = claim_next(owner="worker")
    assert holder == store.Holder(run.id, run.organization_id, "worker", 1)
    assert (reload(run).status, reload(run).lease_owner) == ("running", "worker")
    assert claim_next(owner="worker") is None


def test_one_run_goes_ahead_of_another_organizations_hundred(acme: Tenant, bolt: Tenant) -> None:
    many, one = waiting(acme, 100), waiting(bolt)
    first = owners(taken(4), acme=many, bolt=one)
    assert sorted(first[:2]) == ["acme", "bolt"]
    assert first[2:] == ["acme", "acme"]


def test_organizations_get_equally_many_places(acme: Tenant, bolt: Tenant) -> None:
    many, some = waiting(acme, 8), waiting(bolt, 8)
    assert sorted(owners(taken(8), acme=many, bolt=some)) == ["acme"] * 4 + ["bolt"] * 4


def test_organizations_with_equally_many_runs_at_work_take_turns(acme: Tenant, bolt: Tenant) -> None:
    """A single place, free again each time: counts alone would always choose the same one."""
    named = {"acme": waiting(acme, 4), "bolt": waiting(bolt, 4)}
    names = {run.id: name for name, runs in named.items() for run in runs}
    served = []
    for _ in range(6):
        holder = claim_next(owner="worker")
        assert holder is not None
        served.append(names[holder.run_id])
        end(holder)
    assert served[0] != served[1]
    assert served[:2] * 3 == served


def test_higher_priority_goes_first_then_what_waits_longest(acme: Tenant) -> None:
    late, early, low, high = waiting(acme, 4)
    change(late, created_at=Now())
    change(early, created_at=Now() - timedelta(hours=1))
    change(low, created_at=Now() - timedelta(days=1), priority=-5)
    change(high, created_at=Now(), priority=1)
    assert list(taken(4)) == [high.id, early.id, late.id, low.id]


def test_priority_does_not_reach_into_other_organizations(acme: Tenant, bolt: Tenant) -> None:
    high, usual = waiting(acme, 4, priority=10), waiting(bolt, 4)
    assert sorted(owners(taken(4), acme=high, bolt=usual)) == ["acme", "acme", "bolt", "bolt"]


def test_run_whose_worker_fell_silent_goes_before_all_that_wait(acme: Tenant, bolt: Tenant) -> None:
    silent = waiting(acme)[0]
    claim_next(owner="dead")
    waiting(bolt, 2, priority=10)
    change(silent, lease_until=Now() - timedelta(milliseconds=1))
    holder = claim_next(owner="worker")
    assert holder is not None
    assert (holder.run_id, holder.fence) == (silent.id, 2)


def test_silent_run_that_the_caller_works_on_is_left_to_its_heartbeat(acme: Tenant) -> None:
    own = waiting(acme)[0]
    claim_next(owner="worker")
    change(own, lease_until=Now() - timedelta(seconds=1))
    assert claim_next(owner="worker", but_not=[own.id]) is None
    assert claim_next(owner="other") is not None


def test_places_are_filled_as_if_one_by_one(acme: Tenant, bolt: Tenant) -> None:
    silent = waiting(acme)[0]
    claim_next(owner="dead")
    change(silent, lease_until=Now() - timedelta(seconds=1))
    named = {"acme": waiting(acme, 6), "bolt": waiting(bolt, 2)}
    held = fairness.claim_next(owner="worker", places=6)
    assert held[0].run_id == silent.id
    served = owners(iter(holder.run_id for holder in held[1:]), **named)
    assert served == ["bolt", "acme", "bolt", "acme", "acme"]
    assert len({holder.run_id for holder in held}) == 6


def test_limit_holds_within_one_look(acme: Tenant, bolt: Tenant) -> None:
    set_caps(by=acme.principal, caps={"max_concurrent_runs": 2})
    named = {"acme": waiting(acme, 5), "bolt": waiting(bolt, 3)}
    held = fairness.claim_next(owner="worker", places=8)
    assert sorted(owners(iter(holder.run_id for holder in held), **named)) == ["acme"] * 2 + ["bolt"] * 3


def test_organization_has_no_more_runs_at_work_than_its_limit(acme: Tenant, bolt: Tenant) -> None:
    set_caps(by=acme.principal, caps={"max_concurrent_runs": 2})
    runs, others = waiting(acme, 4), waiting(bolt, 5)
    holders = [claim_next(owner="worker") for _ in range(8)]
    held = [holder for holder in holders if holder is not None]
    assert sum(holder.organization_id == acme.organization.id for holder in held) == 2
    assert len(held) == 7
    assert [reload(run).status for run in runs].count("queued") == 2
    end(next(holder for holder in held if holder.organization_id == acme.organization.id))
    assert len(list(taken(1))) == 1
    assert claim_next(owner="worker") is None
    assert {reload(run).status for run in others} == {"running"}


@pytest.mark.django_db(transaction=True)
def test_run_that_another_worker_takes_at_this_moment_is_passed_over(acme: Tenant, as_owner: Execute) -> None:
    first, second = waiting(acme, 2)
    with ExitStack() as stack:
        as_owner("BEGIN")
        stack.callback(as_owner, "ROLLBACK")
        as_owner("SELECT id FROM trajectories_run WHERE id = %s FOR UPDATE", first.id)
        assert list(taken(1)) == [second.id]
        assert claim_next(owner="worker") is None
    assert list(taken(1)) == [first.id]


@pytest.mark.django_db(transaction=True)
def test_turn_that_another_worker_takes_stops_nobody_but_limited_organizations(
    acme: Tenant, bolt: Tenant, as_owner: Execute
) -> None:
    """A worker may be stopped in the middle of a claim: nobody waits for its lock."""
    set_caps(by=acme.principal, caps={"max_concurrent_runs": 5})
    limited, usual = waiting(acme, 3), waiting(bolt, 3)
    assert sorted(owners(taken(2), acme=limited, bolt=usual)) == ["acme", "bolt"]
    with ExitStack() as stack:
        as_owner("BEGIN")
        stack.callback(as_owner, "ROLLBACK")
        as_owner("SELECT id FROM trajectories_turn FOR UPDATE")
        assert owners(taken(2), acme=limited, bolt=usual) == ["bolt", "bolt"]
        assert claim_next(owner="worker") is None
    assert owners(taken(2), acme=limited, bolt=usual) == ["acme", "acme"]


def test_turn_is_kept_once_an_organization(acme: Tenant) -> None:
    waiting(acme, 3)
    list(taken(3))
    with scoping.organization(acme.organization):
        assert Turn.objects.for_org(acme.organization).count() == 1


def test_claim_of_a_given_run_ends_no_turn(acme: Tenant, bolt: Tenant) -> None:
    run = waiting(acme)[0]
    leases.claim(run_id=run.id, organization_id=run.organization_id, owner="worker")
    with scoping.organization(acme.organization):
        assert not Turn.objects.for_org(acme.organization).exists()


def many_waiting(tenant: Tenant, count: int) -> None:
    """Copy a waiting run, columns and all, without a thousand inserts."""
    run = waiting(tenant)[0]
    with scoping.organization(tenant.organization), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO trajectories_run SELECT (jsonb_populate_record(run, jsonb_build_object("
            "'id', gen_random_uuid(), 'created_at', now() + make_interval(secs => n)))).* "
            "FROM trajectories_run AS run, generate_series(1, %s) AS n WHERE run.id = %s",
            [count, run.id],
        )


def test_claim_reads_no_more_of_the_queue_than_it_takes(acme: Tenant, bolt: Tenant) -> None:
    """Thousands of waiting runs cost a claim nothing: each look goes straight to its entry of the index."""
    many_waiting(acme, 3000)
    waiting(bolt)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE trajectories_run")
    claim_next(owner="worker")
    with scoping.system("a test explains"), connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT TEXT) " + fairness._WAITING)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "run_waiting_in_order" in plan
    assert "Seq Scan on trajectories_run" not in plan
