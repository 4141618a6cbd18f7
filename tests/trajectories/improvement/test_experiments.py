"""Starting and stopping experiments: a frozen plan, two runs for each item, nothing given away."""

import time
from typing import Any

import pytest

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Conflict, Invalid, NotAllowed, NotFound
from rlmlab.tenancy.principals import Principal
from tests.factories.datasets import items_of, make_dataset, new_item
from tests.factories.experiments import answer, make_experiment, make_version, runs_of, start_experiment
from tests.factories.runs import MODEL, finished_run, hold, reload
from tests.factories.tenancy import Tenant
from trajectories import contexts, queue
from trajectories.actions.datasets import add_item_from_run, add_items, create_dataset, retire_item
from trajectories.actions.examples import make_example
from trajectories.actions.experiments import cancel_experiment
from trajectories.improvement import plans
from trajectories.improvement.evaluation import comparison_of
from trajectories.improvement.plans import ExperimentRequest, estimate_of, hash_of_plan
from trajectories.models import Experiment, Rating, Run, RunExample

pytestmark = pytest.mark.django_db


def fields_of(caught: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {error.field: error.message for error in caught.value.errors}


def test_two_runs_are_made_for_each_item(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=3, seed=7, budget={"max_steps": 4})
    runs = runs_of(experiment)
    assert sorted(runs) == [(number, arm) for number in (1, 2, 3) for arm in ("baseline", "candidate")]
    assert list(runs) == [
        (1, "baseline"), (1, "candidate"), (2, "candidate"), (2, "baseline"), (3, "baseline"), (3, "candidate"),
    ]  # fmt: skip
    for (number, arm), run in runs.items():
        assert (run.task, run.title) == (f"Add {number} and 1.", f"Add {number} and 1.")
        assert (run.purpose, run.status, run.tags, run.model) == ("evaluation", "queued", [], MODEL)
        assert (run.use_examples, run.use_memory, run.seed, run.max_steps) == (False, False, 7, 4)
        assert run.prompt_version_id == (experiment.candidate_id if arm == "candidate" else experiment.baseline_id)
        assert run.environment == "restricted"
        assert run.fallback_models == []
    assert (experiment.baseline.number, experiment.candidate.number) == (1, 2)
    assert experiment.name == "v2 against v1 on sums"


def test_runs_get_the_items_input(acme: Tenant) -> None:
    make_version(acme.principal, acme.project)
    dataset = make_dataset(acme.principal, acme.project)
    given = [new_item(1, context="some text"), new_item(2, context={"a": 1})]
    add_items(by=acme.principal, dataset=dataset, items=given)
    runs = runs_of(start_experiment(acme.principal, acme.project))
    with scoping.organization(acme.organization):
        read = {key: [entry.blob.size for entry in contexts.inputs_of(run)] for key, run in runs.items()}
        info = contexts.info(runs[1, "candidate"], contexts.inputs_of(runs[1, "candidate"]))
    assert read == {(1, "baseline"): [9], (1, "candidate"): [9], (2, "baseline"): [8], (2, "candidate"): [8]}
    assert info is not None
    assert (info.kind, info.size, runs[2, "baseline"].context_kind) == ("text", 9, "json")


def test_the_plan_is_frozen_and_its_hash_can_be_computed_again(acme: Tenant) -> None:
    made = make_experiment(acme.principal, acme.project, items=2, budget={"max_seconds": 60.5})
    with scoping.organization(acme.organization):
        found = Experiment.objects.for_org(acme.organization).select_related("dataset")
        experiment = found.get(id=made.id)
    items = items_of(experiment.dataset)
    plan = experiment.plan
    assert plan["items"] == [{"id": str(item.id), "number": item.number, "input": item.input_hash} for item in items]
    assert plan["arms"]["candidate"] == {
        "prompt": "system", "version": 2, "version_id": str(experiment.candidate_id), "examples": False,
    }  # fmt: skip
    assert (plan["model"], plan["environment"], plan["checker"]) == (MODEL, "restricted", "number")
    assert plan["budget"]["max_seconds"] == 60.5
    assert hash_of_plan(plan) == experiment.plan_hash
    retire_item(by=acme.principal, item=items[0])
    assert comparison_of(experiment).items == 2


def test_the_start_is_audited_once_and_all_workers_are_woken(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(queue, "_send", lambda run_id, _: sent.append(run_id))
    with django_capture_on_commit_callbacks(execute=True):
        experiment = make_experiment(acme.principal, acme.project, items=2)
    assert sent == [str(run.id) for run in runs_of(experiment).values()]
    with scoping.organization(acme.organization):
        entry = AuditEntry.objects.for_org(acme.organization).get(action="experiment.create")
        assert AuditEntry.objects.for_org(acme.organization).filter(action="run.create").count() == 0
    assert (entry.object_id, entry.changes["runs"], entry.changes["candidate"]) == (experiment.id, 4, "v2")
    assert entry.changes["plan"] == experiment.plan_hash


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"dataset": ""}, "dataset", "must be chosen"),
        ({"dataset": "nothing"}, "dataset", 'there is no dataset "nothing"'),
        ({"split": "test"}, "split", "must be one of train, dev, holdout"),
        ({"split": "train"}, "split", "the dataset has no items of the split train"),
        ({"candidate": ""}, "candidate", "is the same as the baseline"),
        ({"candidate": "v9"}, "candidate", '"v9" is neither'),
        ({"baseline": "nobody"}, "baseline", '"nobody" is neither'),
        ({"baseline": "2"}, "candidate", "is the same as the baseline"),
        ({"model": "nonsense"}, "model", "Unknown model"),
        ({"sub_model": "nonsense"}, "sub_model", "Unknown model"),
        ({"environment": "moon"}, "environment", '"moon" is not an environment'),
        ({"budget": {"max_steps": 0}}, "budget.max_steps", "must be at least 1"),
        ({"seed": -1}, "seed", "must be between"),
        ({"name": "x" * 121}, "name", "has 121 characters"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_started(
    acme: Tenant, fields: dict[str, Any], field: str, message: str
) -> None:
    make_version(acme.principal, acme.project)
    make_dataset(acme.principal, acme.project, 1)
    with pytest.raises(Invalid) as caught:
        start_experiment(acme.principal, acme.project, **fields)
    assert list(fields_of(caught)) == [field]
    assert fields_of(caught)[field].startswith(message)
    with scoping.organization(acme.organization):
        assert Run.objects.for_org(acme.organization).count() == 0
        assert Experiment.objects.for_org(acme.organization).count() == 0


def test_all_wrong_fields_are_named_at_once(acme: Tenant) -> None:
    with pytest.raises(Invalid) as caught:
        start_experiment(acme.principal, acme.project, model="nonsense", candidate="v9", seed=-1)
    assert sorted(fields_of(caught)) == ["candidate", "dataset", "model", "seed"]


def test_one_version_with_and_without_examples_can_be_compared(acme: Tenant) -> None:
    make_dataset(acme.principal, acme.project, 1)
    experiment = start_experiment(acme.principal, acme.project, candidate="v1", candidate_examples=True)
    assert {arm: run.use_examples for (_, arm), run in runs_of(experiment).items()} == {
        "baseline": False,
        "candidate": True,
    }


def test_more_items_than_an_experiment_takes_are_refused(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST_ITEMS", 2)
    with pytest.raises(Invalid) as caught:
        make_experiment(acme.principal, acme.project, items=3)
    assert fields_of(caught) == {"split": "has more than 2 items; an experiment takes at most 2"}


def test_examples_of_the_very_item_are_kept_from_its_run(acme: Tenant) -> None:
    """An example's own case may be an item of `train`; its run must not be shown its answer."""
    runs = [finished_run(acme.principal, acme.project, task=f"Add {number} and the number 1.") for number in (1, 2)]
    with scoping.organization(acme.organization):
        for run in runs:
            Rating.objects.create(
                organization=acme.organization, run=run, dimension="correct", value=1.0, rater_kind="human",
                rater_id=acme.user.id,
            )  # fmt: skip
    examples = [make_example(by=acme.principal, run=run) for run in runs]
    dataset = make_dataset(acme.principal, acme.project)
    for run in runs:
        add_item_from_run(by=acme.principal, run=run, dataset=dataset, split="train", expected="3")
    experiment = start_experiment(acme.principal, acme.project, split="train", candidate="v1", candidate_examples=True)
    with scoping.organization(acme.organization):
        given = {
            (number, arm): list(RunExample.objects.filter(run=run).values_list("example_id", flat=True))
            for (number, arm), run in runs_of(experiment).items()
        }
    assert given == {
        (1, "baseline"): [],
        (1, "candidate"): [examples[1].id],
        (2, "baseline"): [],
        (2, "candidate"): [examples[0].id],
    }


def test_only_who_runs_experiments_may_start_and_stop_them(acme: Tenant, bolt: Tenant, vera: Principal) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=1)
    with pytest.raises(NotAllowed, match=r"experiment\.run"):
        start_experiment(vera, acme.project)
    with pytest.raises(NotAllowed, match=r"experiment\.run"):
        estimate_of(vera, acme.project, ExperimentRequest(dataset="sums"))
    with pytest.raises(NotAllowed, match=r"experiment\.run"):
        cancel_experiment(by=vera, experiment=experiment)
    with pytest.raises(NotFound):
        start_experiment(bolt.principal, acme.project)
    with pytest.raises(NotFound):
        cancel_experiment(by=bolt.principal, experiment=experiment)
    assert {run.status for run in runs_of(experiment).values()} == {"queued"}


def test_a_stop_ends_what_waits_and_asks_what_works(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=2)
    runs = runs_of(experiment)
    answer(runs[1, "baseline"], "2")
    hold(runs[1, "candidate"])
    cancel_experiment(by=acme.principal, experiment=experiment)
    ended = {key: (reload(run).status, reload(run).cancel_requested) for key, run in runs.items()}
    assert ended == {
        (1, "baseline"): ("succeeded", False),
        (1, "candidate"): ("running", True),
        (2, "baseline"): ("cancelled", True),
        (2, "candidate"): ("cancelled", True),
    }
    cancel_experiment(by=acme.principal, experiment=experiment)
    with scoping.organization(acme.organization):
        entries = AuditEntry.objects.for_org(acme.organization).filter(action="experiment.cancel")
        assert [entry.changes["runs"] for entry in entries] == [3]


def test_an_experiment_that_has_ended_is_not_stopped(acme: Tenant) -> None:
    experiment = make_experiment(acme.principal, acme.project, items=1)
    cancel_experiment(by=acme.principal, experiment=experiment)
    with pytest.raises(Conflict, match="already ended"):
        cancel_experiment(by=acme.principal, experiment=experiment)


def test_the_estimate_of_an_unpriced_model(acme: Tenant) -> None:
    make_version(acme.principal, acme.project)
    make_dataset(acme.principal, acme.project, 3)
    request = ExperimentRequest(dataset="sums", candidate="v2", model=MODEL)
    before = estimate_of(acme.principal, acme.project, request)
    assert (before.items, before.runs, before.highest_cost_usd) == (3, 6, None)
    assert (before.past_runs, before.typical_cost_usd, before.typical_seconds) == (0, None, None)
    finished_run(acme.principal, acme.project, 3)
    after = estimate_of(acme.principal, acme.project, request)
    assert (after.past_runs, after.typical_cost_usd) == (1, pytest.approx(0.018))
    assert after.typical_seconds == 1.0


def test_the_estimate_sums_the_budgets(acme: Tenant) -> None:
    make_version(acme.principal, acme.project)
    make_dataset(acme.principal, acme.project, 5)
    request = ExperimentRequest(dataset="sums", candidate="v2", model=MODEL, budget={"max_cost_usd": 0.25})
    assert estimate_of(acme.principal, acme.project, request).highest_cost_usd == 2.5


def test_four_hundred_runs_start_and_stop_in_bounded_time(acme: Tenant) -> None:
    """Measured on two busy cores: 3 s to start them, 4 s to stop them."""
    make_version(acme.principal, acme.project)
    dataset = create_dataset(by=acme.principal, project=acme.project, name="sums", checker="number")
    given = [new_item(at, context=f"context {at}") for at in range(200)]
    add_items(by=acme.principal, dataset=dataset, items=given)
    started = time.monotonic()
    experiment = start_experiment(acme.principal, acme.project, candidate_examples=True)
    taken = time.monotonic() - started
    assert len(runs_of(experiment)) == 400
    started = time.monotonic()
    cancel_experiment(by=acme.principal, experiment=experiment)
    stopped = time.monotonic() - started
    assert comparison_of(experiment).missing == 200
    assert (taken, stopped) < (20, 60), (taken, stopped)
