"""What an organization's runs amount to."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from rlmlab import scoping
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import PermissionMissing, Principal
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from trajectories.models import Run
from trajectories.models.runs import Purpose
from trajectories.usage import DAYS, PROJECTS, Usage, overview_of

pytestmark = pytest.mark.django_db

NOON = {"hour": 12, "minute": 0, "second": 0, "microsecond": 0}
FAILED = {"status": "failed", "error_code": "sandbox", "finish_reason": "error"}
SUCCEEDED = {"status": "succeeded", "finish_reason": "submitted"}


def run_of(by: Principal, project: Project, days_ago: int = 0, **columns: Any) -> Run:
    """Make a run that was started some days ago, at noon or now, whichever was earlier."""
    run = make_run(by, project)
    now = timezone.now()
    at = min(now, (now - timedelta(days=days_ago)).replace(**NOON))  # type: ignore[arg-type]
    if columns.get("finish_reason"):
        columns["finished_at"] = at
    with scoping.organization(by.organization):
        Run.objects.for_org(by.organization).filter(id=run.id).update(created_at=at, **columns)
    return run


def test_nothing_amounts_to_nothing(ada: Principal, acme: Tenant) -> None:
    found = overview_of(ada)
    assert found.total == Usage()
    assert found.projects == [(acme.project, Usage())]
    assert found.total.success is None
    assert [day.runs for day in found.days] == [0] * DAYS
    assert (found.days[-1].date, found.failures) == (timezone.now().date(), [])


def test_sums_by_project_and_in_all(ada: Principal, acme: Tenant) -> None:
    other = create_project(by=ada, slug="other")
    run_of(ada, acme.project, 40, **SUCCEEDED, cost_usd=9.0, input_tokens=900)
    run_of(ada, acme.project, 29, **SUCCEEDED, cost_usd=0.5, input_tokens=100, output_tokens=20)
    run_of(ada, acme.project, 7, **FAILED, cost_usd=None, input_tokens=7)
    run_of(ada, acme.project, 6, **SUCCEEDED, cost_usd=0.25, output_tokens=3)
    run_of(ada, other, 0, status="running", lease_owner="w", lease_until=timezone.now(), cost_usd=0.125)
    newest = run_of(ada, other, 0)
    found = overview_of(ada)
    (first, its), (second, theirs) = found.projects
    assert (first, second) == (other, acme.project)
    assert (its.runs, its.running, its.queued, its.week, its.month, its.cost_usd) == (2, 1, 1, 2, 2, 0.125)
    assert (theirs.runs, theirs.week, theirs.month, theirs.succeeded, theirs.failed) == (4, 1, 3, 2, 1)
    assert (theirs.cost_usd, theirs.unpriced, theirs.tokens) == (0.75, 1, 130)
    assert theirs.success == pytest.approx(2 / 3)
    assert found.total == its + theirs
    assert (found.total.runs, found.total.cost_usd) == (6, 0.875)
    with scoping.organization(ada.organization):
        assert found.total.last_at == Run.objects.for_org(ada.organization).get(id=newest.id).created_at


def test_days_are_those_of_the_last_thirty(ada: Principal, acme: Tenant) -> None:
    run_of(ada, acme.project, 30, **SUCCEEDED, cost_usd=9.0)
    run_of(ada, acme.project, 29, **SUCCEEDED, cost_usd=1.0)
    run_of(ada, acme.project, 3, **FAILED, cost_usd=None)
    run_of(ada, acme.project, 3, **SUCCEEDED, cost_usd=0.5)
    days = overview_of(ada).days
    assert len(days) == DAYS
    assert {
        number: (day.runs, day.failed, day.cost_usd, day.unpriced) for number, day in enumerate(days) if day.runs
    } == {
        0: (1, 0, 1.0, 0),
        26: (2, 1, 0.5, 1),
    }
    assert [(later.date - earlier.date).days for earlier, later in pairwise(days)] == [1] * 29


def test_evaluation_is_not_counted(ada: Principal, acme: Tenant) -> None:
    run_of(ada, acme.project, 1, **FAILED, purpose=Purpose.EVALUATION, cost_usd=5.0)
    found = overview_of(ada)
    assert found.total == Usage()
    assert (found.failures, sum(day.runs for day in found.days)) == ([], 0)


def test_failures_are_the_latest_first(ada: Principal, acme: Tenant) -> None:
    runs = [run_of(ada, acme.project, days_ago, **FAILED) for days_ago in (31, 9, 2, 4, 5, 6, 7)]
    run_of(ada, acme.project, 1, **SUCCEEDED)
    found = overview_of(ada).failures
    assert [run.id for run in found] == [runs[number].id for number in (2, 3, 4, 5, 6)]
    assert found[0].project.slug == "demo"


def test_of_many_projects_those_used_last_are_named_and_all_are_summed(
    ada: Principal, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trajectories.usage.PROJECTS", 1)
    run_of(ada, create_project(by=ada, slug="aaa"), 3)
    run_of(ada, acme.project, 1)
    found = overview_of(ada)
    assert ([project.slug for project, _ in found.projects], found.project_count, found.total.runs) == (["demo"], 2, 2)
    assert PROJECTS == 50


def test_another_organizations_runs_are_not_counted(ada: Principal, bo: Principal, bolt: Tenant) -> None:
    run_of(bo, bolt.project, 1, **FAILED)
    found = overview_of(ada)
    assert (found.total, found.failures) == (Usage(), [])


def test_it_asks_equally_often_for_few_and_many(
    ada: Principal, acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run_of(ada, acme.project, 1, **FAILED)
    with django_assert_num_queries(8):  # savepoint, scope, four reads, end of scope, release
        overview_of(ada)
    for number in range(3):
        run_of(ada, create_project(by=ada, slug=f"more-{number}"), number, **FAILED)
    with django_assert_num_queries(8):
        assert len(overview_of(ada).projects) == 4


def test_a_viewer_may_look(vera: Principal) -> None:
    assert overview_of(vera).total == Usage()


def test_nobody_else_may(ada: Principal) -> None:
    with pytest.raises(PermissionMissing):
        overview_of(Principal(ada.actor, ada.organization, "nobody"))
