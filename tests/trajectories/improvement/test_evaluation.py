"""What came of an experiment, computed from its runs."""

import json
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from rlmlab import scoping
from rlmlab.engine.events import Failure
from rlmlab.errors import Invalid, NotAllowed, NotFound
from rlmlab.tenancy.principals import Principal
from tests.factories.experiments import answer, answer_all, make_experiment, runs_of, start_experiment
from tests.factories.tenancy import Tenant
from trajectories.improvement.evaluation import (
    NOT_THE_ARMS_DOING,
    Comparison,
    Grade,
    Kind,
    comparison_of,
    comparisons_of,
    experiment_for,
    experiments_page,
    grade_of,
)
from trajectories.improvement.statistics import Verdict
from trajectories.models import Experiment

pytestmark = pytest.mark.django_db


def right(numbers: range, arm: str) -> dict[tuple[int, str], str]:
    return {(number, arm): f"It is {number + 1}." for number in numbers}


def test_pairs_are_compared_by_item(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=5)
    answers: dict[tuple[int, str], Any] = right(range(1, 4), "baseline") | right(range(3, 5), "candidate")
    answer_all(experiment, answers, otherwise="unknown")
    found = comparison_of(experiment)
    assert [(row.number, row.kind) for row in found.rows] == [
        (1, Kind.LOSS), (2, Kind.LOSS), (3, Kind.BOTH_RIGHT), (4, Kind.WIN), (5, Kind.BOTH_WRONG),
    ]  # fmt: skip
    assert (found.items, found.pairs, found.wins, found.losses, found.ties, found.missing) == (5, 5, 1, 2, 2, 0)
    assert (found.baseline_correct, found.candidate_correct, found.difference) == (3, 2, -0.2)
    assert (found.runs, found.finished, found.done) == (10, 10, True)
    assert found.p_value == 7 / 8
    assert (found.verdict, found.more_needed) == (Verdict.INSUFFICIENT, None)
    row = found.rows[3]
    assert (row.task, row.expected, row.candidate.answer, row.baseline.answer) == (
        "Add 4 and 1.", "5", "It is 5.", "unknown",
    )  # fmt: skip


def test_figures_of_the_arms(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=3)
    for (number, arm), run in runs_of(experiment).items():
        answer(run, "1", seconds=float(number) * (2 if arm == "candidate" else 1), cost_usd=0.02)
    found = comparison_of(experiment)
    assert (found.baseline.median_seconds, found.candidate.median_seconds) == (2.0, 4.0)
    assert (found.baseline.cost_usd, found.baseline.tokens, found.baseline.correct) == (pytest.approx(0.06), 330, 0)


def test_an_unknown_price_makes_the_cost_unknown(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=1)
    runs = runs_of(experiment)
    answer(runs[1, "baseline"], "2", cost_usd=None)
    found = comparison_of(experiment)
    assert (found.baseline.cost_usd, found.candidate.cost_usd, found.candidate.median_seconds) == (None, 0, None)


def test_nothing_is_said_before_all_runs_have_ended(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=2)
    runs = runs_of(experiment)
    for key in ((1, "baseline"), (1, "candidate"), (2, "candidate")):
        answer(runs[key], "2")
    found = comparison_of(experiment)
    assert [row.kind for row in found.rows] == [Kind.BOTH_RIGHT, Kind.OPEN]
    assert (found.pairs, found.missing, found.finished, found.done, found.verdict) == (1, 0, 3, False, None)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("budget", Kind.WIN),
        ("timeout", Kind.WIN),
        ("no_answer", Kind.WIN),
        ("sandbox_error", Kind.WIN),
        ("provider_bad_request", Kind.WIN),
        ("worker_lost", Kind.MISSING),
        ("provider_unavailable", Kind.MISSING),
        ("rate_limited", Kind.MISSING),
        ("internal_error", Kind.MISSING),
    ],
)
def test_a_failure_counts_against_the_arm_only_where_it_is_its_own(acme: Tenant, code: str, kind: Kind) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=1)
    failure = Failure(code=code, message="It failed.")
    answer_all(experiment, {(1, "candidate"): "2", (1, "baseline"): failure})
    found = comparison_of(experiment)
    assert [row.kind for row in found.rows] == [kind]
    assert found.rows[0].baseline.error_code == code
    assert found.missing == (kind == Kind.MISSING)


def test_every_code_of_the_engine_was_decided() -> None:
    """A new code counts against its arm until somebody decides otherwise here."""
    from rlmlab.engine import errors

    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    own_fault = {"budget", "no_answer", "provider_bad_request"}
    never_a_runs = {"cancelled", "lost_lease", "schema_mismatch", "tool_failed"}
    assert codes - NOT_THE_ARMS_DOING == own_fault | never_a_runs
    assert NOT_THE_ARMS_DOING - codes == {"worker_lost", "internal_error", "environment_unavailable"}


@pytest.mark.parametrize(
    ("status", "code", "is_right", "grade"),
    [
        ("queued", "", True, Grade.OPEN),
        ("running", "", True, Grade.OPEN),
        ("paused", "", True, Grade.OPEN),
        ("cancelled", "", True, Grade.MISSING),
        ("failed", "worker_lost", True, Grade.MISSING),
        ("failed", "budget", True, Grade.WRONG),
        ("succeeded", "", True, Grade.RIGHT),
        ("succeeded", "", False, Grade.WRONG),
    ],
)
def test_grades(status: str, code: str, is_right: bool, grade: Grade) -> None:
    assert grade_of(status, code, lambda: is_right) == grade


def test_a_clear_result(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=20)
    answer_all(experiment, right(range(1, 9), "candidate") | right(range(1, 2), "baseline"), otherwise="unknown")
    found = comparison_of(experiment)
    assert (found.wins, found.losses, found.verdict, found.p_value) == (7, 0, Verdict.BETTER, 1 / 128)
    assert found.interval[0] > 0
    evidence = found.evidence()
    assert json.loads(json.dumps(evidence)) == evidence
    assert (evidence["verdict"], evidence["wins"], evidence["pairs"]) == ("better", 7, 20)
    assert evidence["candidate_cost_usd"] == pytest.approx(0.2)


def test_too_few_pairs_say_how_many_more() -> None:
    """Eight items of forty tell the arms apart: 74 are needed."""
    assert Comparison(items=0, rows=[]).more_needed is None
    rows = [*[pair("win")] * 8, *[pair("loss")] * 2, *[pair("both_right")] * 30]
    assert Comparison(items=40, rows=rows).more_needed == 34


def pair(kind: str) -> Any:
    class Fixed:
        pass

    found = Fixed()
    found.kind = Kind(kind)  # type: ignore[attr-defined]
    return found


def test_a_purged_run_leaves_a_missing_pair(acme: Tenant, as_owner: Any) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=2)
    answer_all(experiment, {}, otherwise="2")
    from django.db import connection

    with scoping.organization(acme.organization), connection.cursor() as cursor:
        for key in ((1, "candidate"), (2, "baseline"), (2, "candidate")):
            cursor.execute("SELECT purge_run(%s)", [runs_of(experiment)[key].id])
    found = comparison_of(experiment)
    assert [(row.number, row.kind, row.candidate.run_id) for row in found.rows] == [(1, Kind.MISSING, None)]
    assert (found.items, found.pairs, found.missing, found.done) == (2, 0, 2, True)


def test_experiments_are_listed_newest_first_with_one_look_at_all_runs(
    acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = make_experiment(acme.principal, acme.project, items=2)
    with django_assert_num_queries(100, exact=False) as one:
        experiments_page(acme.principal, acme.project)
    second = start_experiment(acme.principal, acme.project, name="Again")
    third = start_experiment(acme.principal, acme.project)
    answer_all(second, {}, otherwise="2")
    with django_assert_num_queries(len(one)):
        page = experiments_page(acme.principal, acme.project)
    assert [experiment.id for experiment, _ in page.items] == [third.id, second.id, first.id]
    assert [comparison.finished for _, comparison in page.items] == [0, 4, 0]
    head = experiments_page(acme.principal, acme.project, limit=2)
    tail = experiments_page(acme.principal, acme.project, cursor=head.next_cursor, limit=2)
    assert [experiment.id for experiment, _ in tail.items] == [first.id]
    assert tail.next_cursor == ""
    with pytest.raises(Invalid):
        experiments_page(acme.principal, acme.project, cursor="nonsense")
    assert comparisons_of([]) == {}


def test_an_experiment_is_found_within_its_organization(acme: Tenant, bolt: Tenant, vera: Principal) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=1)
    found: Experiment = experiment_for(vera, acme.project, experiment.id)
    assert (found.candidate.prompt.name, found.dataset.name) == ("system", "sums")
    with pytest.raises(NotFound):
        experiment_for(bolt.principal, bolt.project, experiment.id)
    assert experiments_page(bolt.principal, bolt.project).items == []


def test_permissions_are_asked_for(vera: Principal, acme: Tenant) -> None:
    nobody = Principal(vera.actor, vera.organization, "nothing")
    with pytest.raises(NotAllowed):
        experiments_page(nobody, acme.project)
