"""What speaks for a promotion: the latest finished experiment of exactly these two versions on held-out items."""

from typing import Any
from uuid import uuid4

import pytest

from rlmlab import scoping
from rlmlab.errors import Invalid
from rlmlab.tenancy.queries import principal_for_key
from tests.factories.datasets import make_dataset, new_item
from tests.factories.experiments import answer_all, make_experiment, make_version, start_experiment
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant, make_member
from trajectories.actions.datasets import add_items
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.improvement import prompt_queries as queries
from trajectories.improvement.evidence import latest_evidence
from trajectories.improvement.promotion import Move, move_label
from trajectories.improvement.prompt_figures import Figures, figures_of
from trajectories.improvement.prompts import ensure_system_prompt
from trajectories.models import Experiment, Promotion, PromptVersion, Run
from trajectories.models.experiments import Arm

REASON = "It finds more of the answers."
ITEMS = 20


def answers(*, right: dict[Arm, int]) -> dict[tuple[int, str], str]:
    """Let each arm answer its first so many items rightly."""
    return {(number, arm): str(number + 1) for arm, count in right.items() for number in range(1, count + 1)}


def end(experiment: Experiment, *, baseline: int, candidate: int) -> Experiment:
    answer_all(experiment, answers(right={Arm.BASELINE: baseline, Arm.CANDIDATE: candidate}), "wrong")
    return experiment


def move(tenant: Tenant, version: int = 2, label: str = "production", **more: Any) -> Promotion:
    prompt = ensure_system_prompt(tenant.project)
    move_label(by=tenant.principal, prompt=prompt, move=Move(label, version, REASON, **more))
    return queries.promotions_page(tenant.principal, prompt).items[0].promotion


def evidence(tenant: Tenant, before: int, after: int) -> Experiment | None:
    prompt = ensure_system_prompt(tenant.project)
    one, other = (queries.version_for(tenant.principal, prompt, number).version for number in (before, after))
    found = latest_evidence(tenant.principal, one, other)
    return None if found is None else found.experiment


def test_promotion_rests_on_the_experiment_that_shows_it_better(acme: Tenant) -> None:
    experiment = end(make_experiment(acme.principal, acme.project, items=ITEMS), baseline=8, candidate=18)
    kept = move(acme)
    assert (kept.overridden, kept.experiment_id) == (False, experiment.id)
    figures = ("items", "pairs", "wins", "losses", "ties", "missing", "baseline_correct", "candidate_correct")
    assert {name: kept.evidence[name] for name in figures} == {
        "items": 20,
        "pairs": 20,
        "wins": 10,
        "losses": 0,
        "ties": 10,
        "missing": 0,
        "baseline_correct": 8,
        "candidate_correct": 18,
    }
    assert kept.evidence["p_value"] == pytest.approx(1 / 1024)
    assert {name: kept.evidence[name] for name in ("dataset", "split", "verdict", "name")} == {
        "dataset": "sums",
        "split": "holdout",
        "verdict": "better",
        "name": experiment.name,
    }


def test_promotion_without_a_difference_is_overridden_and_keeps_what_was_seen(acme: Tenant) -> None:
    experiment = end(make_experiment(acme.principal, acme.project, items=3), baseline=1, candidate=2)
    kept = move(acme)
    assert (kept.overridden, kept.experiment_id, kept.evidence["wins"]) == (True, experiment.id, 1)


def test_unfinished_experiment_is_no_evidence_unless_it_is_named(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project)
    assert evidence(acme, 1, 2) is None
    kept = move(acme, experiment=experiment.id)
    assert (kept.overridden, kept.experiment_id, kept.evidence["verdict"]) == (True, experiment.id, None)


def test_latest_finished_experiment_counts_and_not_the_best(acme: Tenant) -> None:
    end(make_experiment(acme.principal, acme.project, items=ITEMS), baseline=0, candidate=20)
    worse = end(start_experiment(acme.principal, acme.project), baseline=20, candidate=0)
    start_experiment(acme.principal, acme.project)
    assert evidence(acme, 1, 2) == worse
    kept = move(acme)
    assert (kept.overridden, kept.experiment_id, kept.evidence["losses"]) == (True, worse.id, 20)


def test_earlier_experiment_does_not_count_by_being_named(acme: Tenant) -> None:
    better = end(make_experiment(acme.principal, acme.project, items=ITEMS), baseline=0, candidate=20)
    end(start_experiment(acme.principal, acme.project), baseline=10, candidate=10)
    kept = move(acme, experiment=better.id)
    assert (kept.overridden, kept.experiment_id, kept.evidence["wins"]) == (True, better.id, 20)


@pytest.mark.parametrize(
    "fields",
    [{"baseline": "v2", "candidate": "v1"}, {"candidate_examples": True}, {"split": "dev"}],
    ids=["other way round", "examples on one side", "not held out"],
)
def test_other_experiments_say_nothing(acme: Tenant, fields: dict[str, Any]) -> None:
    make_version(acme.principal, acme.project)
    dataset = make_dataset(acme.principal, acme.project, 2)
    add_items(by=acme.principal, dataset=dataset, items=[new_item(number, split="dev") for number in (3, 4)])
    experiment = end(start_experiment(acme.principal, acme.project, **fields), baseline=0, candidate=2)
    assert evidence(acme, 1, 2) is None
    with pytest.raises(Invalid, match="did not compare v1 with v2 on held-out items") as caught:
        move(acme, experiment=experiment.id)
    assert caught.value.errors[0].field == "experiment"
    assert (move(acme).overridden, move(acme).experiment_id) == (True, None)


def test_foreign_or_unknown_experiment_is_refused(acme: Tenant, bolt: Tenant) -> None:
    make_version(acme.principal, acme.project)
    foreign = make_experiment(bolt.principal, bolt.project)
    for experiment_id in (foreign.id, uuid4()):
        with pytest.raises(Invalid, match="experiment: did not compare"):
            move(acme, experiment=experiment_id)


def test_new_label_has_nothing_to_compare_with(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project)
    with pytest.raises(Invalid, match="the label is new"):
        move(acme, label="staging", experiment=experiment.id)
    assert move(acme, label="staging").evidence == {}


# ---- figures of versions


def figures(tenant: Tenant) -> dict[int, Figures]:
    with scoping.organization(tenant.organization):
        versions = list(PromptVersion.objects.for_org(tenant.organization).order_by("number"))
    found = figures_of(tenant.principal, versions)
    return {version.number: found[version.id] for version in versions}


def test_figures_count_a_versions_runs_and_ratings(acme: Tenant) -> None:
    make_version(acme.principal, acme.project)
    rated = [finished_run(acme.principal, acme.project) for _ in range(2)]
    make_run(acme.principal, acme.project)
    judge(acme, rated[0], 1.0)
    judge(acme, rated[1], 0.5)
    judge(acme, rated[1], 0.0, dimension="helpful")
    found = figures(acme)
    assert found == {1: Figures(runs=3, ended=2, succeeded=2, rated=2, correct=0.75), 2: Figures()}
    assert (found[1].success, found[2].success) == (1.0, None)


def test_most_trusted_raters_of_a_run_decide(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    other = make_member(acme.organization, "rita@acme.example", "reviewer")
    checker = principal_for_key(acme.key)
    rate_run(by=checker, run=run, judgement=Judgement("correct", 0.0, rater="checker"))
    rate_run(by=other, run=run, judgement=Judgement("correct", 1.0))
    judge(acme, run, 0.5)
    assert figures(acme)[1] == Figures(runs=1, ended=1, succeeded=1, rated=1, correct=0.75)


def test_runs_of_experiments_are_not_counted(acme: Tenant) -> None:
    end(make_experiment(acme.principal, acme.project, items=1), baseline=1, candidate=1)
    assert figures(acme) == {1: Figures(), 2: Figures()}


def judge(tenant: Tenant, run: Run, value: float, dimension: str = "correct") -> None:
    rate_run(by=tenant.principal, run=run, judgement=Judgement(dimension, value))
