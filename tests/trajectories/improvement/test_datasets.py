"""Making datasets, filling them by hand and from runs, reading them."""

import json
from typing import Any

import pytest

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Invalid, NotAllowed, NotFound
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.principals import Principal
from tests.factories.datasets import items_of, make_dataset, new_item
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant
from trajectories import blobs, contexts
from trajectories.actions.datasets import add_item_from_run, add_items, create_dataset, retire_item
from trajectories.actions.files import store_file
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.improvement import datasets as reads
from trajectories.improvement.inputs import input_hash_of
from trajectories.models import Dataset, Item

pytestmark = pytest.mark.django_db


def fields_of(caught: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(error.field, error.message) for error in caught.value.errors]


def entries(tenant: Tenant, action: str) -> list[AuditEntry]:
    with scoping.organization(tenant.organization):
        return list(AuditEntry.objects.for_org(tenant.organization).filter(action=action).order_by("at"))


def test_a_dataset_is_made_and_audited(acme: Tenant) -> None:
    dataset = create_dataset(by=acme.principal, project=acme.project, name="capitals", description=" Of Europe ")
    assert (dataset.name, dataset.description, dataset.checker) == ("capitals", "Of Europe", "exact")
    (entry,) = entries(acme, "dataset.create")
    assert (entry.object_id, entry.changes["name"]) == (dataset.id, "capitals")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Capitals"}, "name"),
        ({"name": "new"}, "name"),
        ({"name": "a", "checker": "magic"}, "checker"),
        ({"name": "a", "description": "x" * 501}, "description"),
        ({"name": "sums"}, "name"),
    ],
)
def test_a_wrong_field_of_a_dataset_is_named(acme: Tenant, fields: dict[str, Any], field: str) -> None:
    make_dataset(acme.principal, acme.project)
    with pytest.raises(Invalid) as caught:
        create_dataset(by=acme.principal, project=acme.project, **fields)
    assert [name for name, _ in fields_of(caught)] == [field]


def test_two_projects_may_use_the_same_name(acme: Tenant) -> None:
    make_dataset(acme.principal, acme.project)
    other = create_project(by=acme.principal, slug="other")
    assert make_dataset(acme.principal, other).name == "sums"


def test_only_who_manages_datasets_may_fill_them(acme: Tenant, bolt: Tenant, vera: Principal) -> None:
    dataset = make_dataset(acme.principal, acme.project, 1)
    with pytest.raises(NotAllowed):
        create_dataset(by=vera, project=acme.project, name="mine")
    with pytest.raises(NotAllowed):
        add_items(by=vera, dataset=dataset, items=[new_item(9)])
    with pytest.raises(NotAllowed):
        retire_item(by=vera, item=items_of(dataset)[0])
    for attempt in (
        lambda: create_dataset(by=bolt.principal, project=acme.project, name="mine"),
        lambda: add_items(by=bolt.principal, dataset=dataset, items=[new_item(9)]),
        lambda: retire_item(by=bolt.principal, item=items_of(dataset)[0]),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert len(items_of(dataset)) == 1
    assert reads.dataset_by_name(vera, acme.project, "sums").total == 1


def test_items_are_numbered_and_their_contexts_kept_byte_for_byte(acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project, checker="exact")
    given: list[Any] = ["plain \x00 text\ud800", {"a": [1, "ü"]}, None, ""]
    made = add_items(
        by=acme.principal,
        dataset=dataset,
        items=[new_item(at, context=context, split="dev") for at, context in enumerate(given)],
    )
    assert [item.number for item in made] == [1, 2, 3, 4]
    rows = items_of(dataset)
    assert [row.context_kind for row in rows] == ["text", "json", "", "text"]
    assert [row.blob and row.blob.size for row in rows] == [15, 20, None, 0]
    with scoping.organization(acme.organization):
        kept = [b"".join(blobs.read(row.blob)) for row in rows if row.blob]
    assert kept[0].decode("utf-8", "surrogatepass") == given[0]
    assert json.loads(kept[1]) == given[1]
    add_items(by=acme.principal, dataset=dataset, items=[new_item(9)])
    assert [row.number for row in items_of(dataset)] == [1, 2, 3, 4, 5]
    assert [entry.changes["items"] for entry in entries(acme, "dataset.add_items")] == [4, 1]


def test_equal_contexts_are_kept_once(acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    run = make_run(acme.principal, acme.project, context="the same")
    add_items(by=acme.principal, dataset=dataset, items=[new_item(at, context="the same") for at in (1, 2)])
    blob_ids = {row.blob_id for row in items_of(dataset)}
    with scoping.organization(acme.organization):
        assert blob_ids == {entry.blob_id for entry in contexts.inputs_of(run)}


@pytest.mark.parametrize(
    ("item", "field", "message"),
    [
        ({"task": ""}, "items.1.task", "must not be empty"),
        ({"task": "a\x00"}, "items.1.task", "must not contain NUL characters (the first stands at 1)"),
        ({"task": 7}, "items.1.task", "must be a text"),
        ({"split": "test"}, "items.1.split", "must be one of train, dev, holdout"),
        ({"context": 7}, "items.1.context", "must be a string, a list or an object"),
        ({"expected": None}, "items.1.expected", "must not be null"),
        ({"expected": "none"}, "items.1.expected", "has no number, which this dataset compares"),
        ({"expected": ["1\x00"]}, "items.1.expected", "must not contain NUL characters or lone surrogates"),
        ({"expected": float("nan")}, "items.1.expected", "must not contain NaN or Infinity, which JSON does not have"),
        ({"expected": "1" * 100_000}, "items.1.expected", "has 100,002 characters; 100,000 are allowed"),
        ({"task": "Add 1 and 1."}, "items.1.task", "is there already with the same input: item 1"),
    ],
)
def test_a_wrong_field_is_named_and_no_item_is_added(
    acme: Tenant, item: dict[str, Any], field: str, message: str
) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    with pytest.raises(Invalid) as caught:
        add_items(by=acme.principal, dataset=dataset, items=[new_item(1), new_item(2, **item)])
    assert fields_of(caught) == [(field, message)]
    assert items_of(dataset) == []


@pytest.mark.parametrize("count", [0, 1001])
def test_items_come_by_one_to_a_thousand(acme: Tenant, count: int) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    with pytest.raises(Invalid) as caught:
        add_items(by=acme.principal, dataset=dataset, items=[new_item(at) for at in range(count)])
    assert fields_of(caught) == [("items", "must be 1 to 1,000 items")]


def test_the_same_task_over_another_context_is_another_input(acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project, 1)
    add_items(by=acme.principal, dataset=dataset, items=[new_item(1, context="x"), new_item(1, context=["x"])])
    with pytest.raises(Invalid, match="item 2"):
        add_items(by=acme.principal, dataset=dataset, items=[new_item(1, context="x", expected="3", split="dev")])
    assert len(items_of(dataset)) == 3


def test_a_retired_item_may_be_added_again(acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project, 2)
    first = items_of(dataset)[0]
    assert retire_item(by=acme.principal, item=first).retired_at is not None
    assert retire_item(by=acme.principal, item=first).retired_at is not None
    assert [entry.changes["number"] for entry in entries(acme, "dataset.retire_item")] == [1]
    add_items(by=acme.principal, dataset=dataset, items=[new_item(1)])
    view = reads.dataset_by_name(acme.principal, acme.project, "sums")
    assert view.counts == {"train": 0, "dev": 0, "holdout": 2}
    assert [item.number for item in reads.items_page(acme.principal, dataset).items] == [3, 2, 1]


def test_an_item_from_a_run_has_its_input_and_hash(acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    run = finished_run(acme.principal, acme.project, task="How many?", context={"a": 1})
    item = add_item_from_run(by=acme.principal, run=run, dataset=dataset, split="train", expected="3")
    assert (item.task, item.expected, item.split, item.source_run_id) == ("How many?", "3", "train", run.id)
    assert item.context_kind == "json"
    with scoping.organization(acme.organization):
        assert item.input_hash == input_hash_of(run)
        assert item.blob == contexts.inputs_of(run)[0].blob
    with pytest.raises(Invalid) as caught:
        add_item_from_run(by=acme.principal, run=run, dataset=dataset, split="dev", expected="3")
    assert fields_of(caught) == [("run", "is there already with the same input: item 1")]


def test_an_item_from_a_run_without_input(acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    run = finished_run(acme.principal, acme.project, task="Add 1 and 1.")
    item = add_item_from_run(by=acme.principal, run=run, dataset=dataset, split="dev", expected="42")
    assert (item.context_kind, item.blob, item.expected) == ("", None, "42")
    with pytest.raises(Invalid, match="item 1"):
        add_items(by=acme.principal, dataset=dataset, items=[new_item(1)])


def test_a_run_with_files_makes_no_item(acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    file = store_file(by=acme.principal, project=acme.project, name="a.txt", chunks=[b"x"])
    run = make_run(acme.principal, acme.project, files=[file.id])
    with pytest.raises(Invalid) as caught:
        add_item_from_run(by=acme.principal, run=run, dataset=dataset, split="dev", expected="1")
    assert fields_of(caught) == [("run", "reads files; an item has one text or JSON value as its input")]


def test_a_run_of_another_project_or_organization_makes_no_item(acme: Tenant, bolt: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    elsewhere = create_project(by=acme.principal, slug="elsewhere")
    for run in (finished_run(acme.principal, elsewhere), finished_run(bolt.principal, bolt.project)):
        with pytest.raises(NotFound):
            add_item_from_run(by=acme.principal, run=run, dataset=dataset, split="dev", expected="1")


def test_datasets_are_listed_by_name_with_their_counts(acme: Tenant) -> None:
    make_dataset(acme.principal, acme.project, 2, name="b")
    make_dataset(acme.principal, acme.project, name="a")
    first = reads.datasets_page(acme.principal, acme.project, limit=1)
    assert [(view.dataset.name, view.total) for view in first.items] == [("a", 0)]
    second = reads.datasets_page(acme.principal, acme.project, after=first.next_cursor, limit=1)
    assert [(view.dataset.name, view.counts["holdout"]) for view in second.items] == [("b", 2)]
    assert second.next_cursor == ""


def test_a_name_that_nobody_has_is_not_found(acme: Tenant) -> None:
    for name in ("nothing", "a\x00", "A B"):
        with pytest.raises(NotFound):
            reads.dataset_by_name(acme.principal, acme.project, name)


def test_items_are_paged_and_filtered_by_split(acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project, 3)
    add_items(by=acme.principal, dataset=dataset, items=[new_item(7, split="train")])
    page = reads.items_page(acme.principal, dataset, limit=2)
    assert ([item.number for item in page.items], page.next_cursor) == ([4, 3], "3")
    page = reads.items_page(acme.principal, dataset, cursor=page.next_cursor, limit=2)
    assert ([item.number for item in page.items], page.next_cursor) == ([2, 1], "")
    assert [item.number for item in reads.items_page(acme.principal, dataset, split="train").items] == [4]


@pytest.mark.parametrize("query", [{"split": "test"}, {"cursor": "x"}, {"cursor": "9" * 30}, {"cursor": "-1"}])
def test_a_page_that_cannot_be_is_refused(acme: Tenant, query: dict[str, str]) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    with pytest.raises(Invalid) as caught:
        reads.items_page(acme.principal, dataset, **query)
    assert [field for field, _ in fields_of(caught)] == list(query)


def test_an_item_shows_the_beginning_of_a_long_context(acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    add_items(
        by=acme.principal,
        dataset=dataset,
        items=[new_item(1, context="ü" * 50_000), new_item(2, context="short"), new_item(3)],
    )
    long = reads.item_of(acme.principal, dataset, 1)
    assert (long.context, long.whole) == ("ü" * 20_000, False)
    short = reads.item_of(acme.principal, dataset, 2)
    assert (short.context, short.whole) == ("short", True)
    assert reads.item_of(acme.principal, dataset, 3).context == ""
    with pytest.raises(NotFound):
        reads.item_of(acme.principal, dataset, 4)


def test_the_expected_answer_of_a_run_is_the_newest_correction(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    assert reads.expected_of(acme.principal, run) is None
    for right in ("41", "43"):
        rate_run(by=acme.principal, run=run, judgement=Judgement("correct", 0.0, correction=right))
    assert reads.expected_of(acme.principal, run) == "43"


def test_datasets_of_two_organizations_do_not_meet(acme: Tenant, bolt: Tenant) -> None:
    make_dataset(acme.principal, acme.project, 1)
    make_dataset(bolt.principal, bolt.project, 1)
    with scoping.organization(acme.organization):
        assert (Dataset.objects.for_org(acme.organization).count(), Item.objects.count()) == (1, 1)
    assert reads.datasets_page(bolt.principal, bolt.project).items[0].total == 1
