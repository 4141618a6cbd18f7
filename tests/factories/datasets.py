"""Datasets and their items, made by the same code as in production."""

from typing import Any

from rlmlab import scoping
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.actions.datasets import add_items, create_dataset
from trajectories.improvement.items import NewItem
from trajectories.models import Dataset, Item


def make_dataset(by: Principal, project: Project, items: int = 0, **fields: Any) -> Dataset:
    """Make a dataset with some items of the split `holdout`: "Add 3 and 1." expects "4"."""
    dataset = create_dataset(by=by, project=project, **{"name": "sums", "checker": "number"} | fields)
    if items:
        add_items(by=by, dataset=dataset, items=[new_item(number) for number in range(1, items + 1)])
    return dataset


def new_item(number: int, **fields: Any) -> NewItem:
    """Return an item that is another for each number."""
    return NewItem(**{"task": f"Add {number} and 1.", "expected": str(number + 1)} | fields)


def items_of(dataset: Dataset) -> list[Item]:
    """List a dataset's items by number."""
    with scoping.organization(dataset.organization_id):
        found = Item.objects.for_org(dataset.organization_id).filter(dataset=dataset)
        return list(found.select_related("blob", "source_run").order_by("number"))
