"""Examples: of corrected and well rated runs, chosen for later ones by what their tasks share."""

from typing import Any
from uuid import uuid4

import pytest

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Conflict, NotFound
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.queries import principal_for_key
from tests.factories.runs import finished_run, make_run, record, steps
from tests.factories.tenancy import Tenant
from trajectories.actions.examples import make_example, retire_example
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.improvement.examples import (
    MOST,
    engine_examples,
    example_for,
    example_of,
    examples_of,
    examples_page,
    select_examples,
)
from trajectories.improvement.inputs import input_hash
from trajectories.models import Dataset, Example, Item, Run


def rate(by: Principal, run: Run, value: float = 1.0, dimension: str = "correct", **fields: Any) -> None:
    rate_run(by=by, run=run, judgement=Judgement(dimension, value, **fields))


def answered(tenant: Tenant, **fields: Any) -> Run:
    """Return a run that ended with the answer 42."""
    run = finished_run(tenant.principal, tenant.project, **fields)
    with scoping.organization(tenant.organization):
        Run.objects.filter(id=run.id).update(answer="42")
    return run


def example(tenant: Tenant, task: str, *, correction: Any = None, **fields: Any) -> Example:
    run = answered(tenant, task=task, **fields)
    rate(tenant.principal, run, 0.0 if correction is not None else 1.0, correction=correction)
    return make_example(by=tenant.principal, run=run)


def chosen(tenant: Tenant, task: str, **fields: Any) -> list[str]:
    with scoping.organization(tenant.organization):
        return [item.example.task for item in select_examples(tenant.project, task, **fields)]


def test_a_good_run_becomes_an_example_with_its_steps(acme: Tenant) -> None:
    made = example(acme, "Count the birds.", context="a bird", count=2)
    assert (made.kind, made.task, made.created_by_id) == ("good", "Count the birds.", acme.user.id)
    assert made.text.startswith("Task: Count the birds.\n\nInput: `context` is a str of 6 bytes.")
    assert "Step 1, the reply:\nTurn 1" in made.text
    assert "Step 2, the reply:\nTurn 2" in made.text
    assert made.text.endswith("Answer: 42")
    with scoping.organization(acme.organization):
        entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.action, entry.object_id, entry.changes) == (
        "example.create",
        made.id,
        {"kind": "good", "run": str(made.run_id)},
    )


def test_a_corrected_run_tells_what_was_wrong_and_right(acme: Tenant) -> None:
    run = answered(acme, task="Count the birds.")
    rate(acme.principal, run, 0.0, correction=["43"], comment="The robin is one too.")
    made = make_example(by=acme.principal, run=run)
    assert made.kind == "corrected"
    assert "Answer that was wrong: 42" in made.text
    assert "What a reviewer said: The robin is one too." in made.text
    assert made.text.endswith('Right answer: ["43"]')
    assert "Step 1" not in made.text


def test_a_run_has_one_active_example(acme: Tenant) -> None:
    first = example(acme, "Count the birds.")
    with scoping.organization(acme.organization):
        run = Run.objects.get(id=first.run_id)
    assert make_example(by=acme.principal, run=run).id == first.id
    for _ in range(2):
        assert retire_example(by=acme.principal, example_id=first.id).retired_at is not None
    assert example_of(acme.principal, run) is None
    assert make_example(by=acme.principal, run=run).id != first.id


def test_what_is_not_fit_is_refused_with_the_reason(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)

    def refused() -> str:
        with pytest.raises(Conflict) as caught:
            make_example(by=acme.principal, run=run)
        return str(caught.value)

    assert "Rate the run correct, or correct its answer" in refused()
    rate(acme.principal, run, 0.79)
    assert "Rate the run correct" in refused()
    rate(principal_for_key(acme.key), run, 1.0, rater="judge")
    assert "Rate the run correct" in refused()
    rate(acme.principal, run, 0.4)
    rate(principal_for_key(acme.key), run, 1.0, rater="checker")
    assert "A person rated this run wrong" in refused()
    rate(acme.principal, run, 0.4, correction="43")
    rate(acme.principal, run, 0.0, "safety")
    assert "failed in safety" in refused()
    rate(acme.principal, run, 1.0, "safety")
    assert make_example(by=acme.principal, run=run).kind == "corrected"


def test_a_checker_suffices_where_nobody_disagrees(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    rate(principal_for_key(acme.key), run, 0.8, rater="checker")
    assert make_example(by=acme.principal, run=run).kind == "good"


def test_working_and_evaluation_runs_are_refused(acme: Tenant) -> None:
    with pytest.raises(Conflict, match="it can become an example when it has ended"):
        make_example(by=acme.principal, run=make_run(acme.principal, acme.project))
    run = finished_run(acme.principal, acme.project)
    rate(acme.principal, run)
    with scoping.organization(acme.organization):
        Run.objects.filter(id=run.id).update(purpose="evaluation")
    with pytest.raises(Conflict, match="belongs to an experiment"):
        make_example(by=acme.principal, run=run)


@pytest.mark.parametrize(("split", "leaks"), [("holdout", True), ("dev", True), ("train", False)])
def test_a_held_out_case_does_not_become_an_example(acme: Tenant, split: str, *, leaks: bool) -> None:
    run = finished_run(acme.principal, acme.project, task="Count the birds.")
    rate(acme.principal, run)
    with scoping.organization(acme.organization):
        dataset = Dataset.objects.create(organization=acme.organization, project=acme.project, name="birds")
        Item.objects.create(
            organization=acme.organization,
            dataset=dataset,
            number=7,
            split=split,
            task="Count the birds.",
            expected="42",
            input_hash=input_hash("Count the birds."),
        )
    if not leaks:
        assert make_example(by=acme.principal, run=run).task == "Count the birds."
        return
    with pytest.raises(Conflict, match=rf"item 7 \({split}\) of the dataset birds"):
        make_example(by=acme.principal, run=run)


def test_the_most_similar_come_last_and_strangers_not_at_all(acme: Tenant) -> None:
    for task in ("Count the birds in the park.", "Count the cars.", "Name the capital of France."):
        example(acme, task)
    assert chosen(acme, "How many birds are in this park? Count them.") == [
        "Count the cars.",
        "Count the birds in the park.",
    ]
    assert chosen(acme, "xyzzy") == []
    assert chosen(acme, "   ") == []


def test_half_of_the_places_are_for_corrections(acme: Tenant) -> None:
    for number in range(MOST):
        example(acme, f"Count birds birds birds {number}")
    for number in range(MOST):
        example(acme, f"Count one bird of the many and various animals {number}", correction="2")
    with scoping.organization(acme.organization):
        found = select_examples(acme.project, "Count birds")
    kinds = [item.example.kind for item in found]
    assert (len(kinds), kinds.count("corrected")) == (MOST, MOST // 2)
    assert found[-1].score == max(item.score for item in found)
    assert found[-1].reason == "a run rated correct; number 1 by shared words of the task"


def test_the_bytes_are_bounded(acme: Tenant) -> None:
    long = finished_run(acme.principal, acme.project, task="Count birds " + "and count again " * 1_000)
    rate(acme.principal, long, comment="x")
    make_example(by=acme.principal, run=long)
    for number in range(12):
        example(acme, f"Count birds {number} " + "word " * 400, correction="y" * 4_000)
    with scoping.organization(acme.organization):
        found = select_examples(acme.project, "Count birds")
    assert 1 < len(found) <= MOST
    assert sum(len(item.example.text.encode()) for item in found) <= 6_000


def test_nothing_comes_from_elsewhere(acme: Tenant, bolt: Tenant) -> None:
    example(bolt, "Count the birds.")
    other = create_project(by=acme.principal, slug="other")
    run = finished_run(acme.principal, other, task="Count the birds.")
    rate(acme.principal, run)
    make_example(by=acme.principal, run=run)
    assert chosen(acme, "Count the birds.") == []


def test_a_run_gets_and_records_its_examples(acme: Tenant) -> None:
    for task in ("Count the cars.", "Count the birds in the park."):
        example(acme, task)
    run = make_run(acme.principal, acme.project, task="Count birds", use_examples=True)
    used = examples_of(run)
    assert [(item.position, item.example.task) for item in used] == [
        (1, "Count the cars."),
        (2, "Count the birds in the park."),
    ]
    assert used[1].score > used[0].score > 0
    with scoping.organization(acme.organization):
        shown = engine_examples(run)
    assert [found.text for found in shown] == [item.example.text for item in used]
    assert examples_of(make_run(acme.principal, acme.project, task="Count birds")) == []


def test_retired_examples_are_given_to_nobody_and_stay_on_record(acme: Tenant) -> None:
    made = example(acme, "Count the birds.")
    run = make_run(acme.principal, acme.project, task="Count birds", use_examples=True)
    retire_example(by=acme.principal, example_id=made.id)
    assert chosen(acme, "Count the birds.") == []
    assert [item.example_id for item in examples_of(run)] == [made.id]
    assert [item.id for item in examples_page(acme.principal, acme.project).items] == []
    retired = examples_page(acme.principal, acme.project, retired=True).items
    assert [(item.id, item.used) for item in retired] == [(made.id, 1)]  # type: ignore[attr-defined]


def test_a_case_is_not_given_its_own_example_where_it_is_sealed(acme: Tenant) -> None:
    made = example(acme, "Count the birds.", context="a bird")
    assert chosen(acme, "Count the birds.") == ["Count the birds."]
    assert chosen(acme, "Count the birds.", exclude_hashes={made.input_hash}) == []


def test_pages_and_search(acme: Tenant) -> None:
    made = [example(acme, f"Count the {what}.") for what in ("cars", "birds", "stars")]
    first = examples_page(acme.principal, acme.project, limit=2)
    rest = examples_page(acme.principal, acme.project, limit=2, cursor=first.next_cursor)
    assert [item.id for item in (*first.items, *rest.items)] == [item.id for item in reversed(made)]
    found = examples_page(acme.principal, acme.project, query="bird").items
    assert [item.id for item in found] == [made[1].id]


def test_rights(acme: Tenant, vera: Principal, bo: Principal) -> None:
    made = example(acme, "Count the birds.")
    assert example_for(vera, made.id).task == "Count the birds."
    run = finished_run(acme.principal, acme.project)
    rate(acme.principal, run)
    for act in (lambda: make_example(by=vera, run=run), lambda: retire_example(by=vera, example_id=made.id)):
        with pytest.raises(PermissionMissing):
            act()
    acts = (
        lambda: make_example(by=bo, run=run),
        lambda: retire_example(by=bo, example_id=made.id),
        lambda: example_for(bo, made.id),
        lambda: retire_example(by=acme.principal, example_id=uuid4()),
    )
    for act in acts:
        with pytest.raises(NotFound):
            act()


def test_messages_of_sub_calls_are_no_steps(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, task="Count the birds.")
    record(run, steps(run, 1))
    rate(acme.principal, run)
    assert make_example(by=acme.principal, run=run).text.count("the reply:") == 1


def test_what_was_rated_otherwise_since_is_not_given(acme: Tenant) -> None:
    good, corrected = example(acme, "Count birds."), example(acme, "Count birds, all of them.", correction="43")
    with scoping.organization(acme.organization):
        good_run, corrected_run = (Run.objects.get(id=made.run_id) for made in (good, corrected))
    assert len(chosen(acme, "Count birds")) == 2
    rate(acme.principal, good_run, 0.9, comment="Still good.")
    assert len(chosen(acme, "Count birds")) == 2
    rate(acme.principal, good_run, 0.2)
    assert chosen(acme, "Count birds") == ["Count birds, all of them."]
    rate(acme.principal, corrected_run, 0.0, correction="44")
    assert chosen(acme, "Count birds") == []
    rate(acme.principal, corrected_run, 0.0, correction="43", comment="No, it was right before.")
    assert chosen(acme, "Count birds") == ["Count birds, all of them."]
    rate(acme.principal, corrected_run, 0.0, "safety")
    assert chosen(acme, "Count birds") == []
