"""Reads of datasets and their items; each opens the scope it needs."""

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q

from rlmlab import scoping
from rlmlab.errors import Invalid, NotFound
from rlmlab.scoping.pages import DEFAULT_LIMIT, Page
from rlmlab.tenancy.fields import is_slug
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories import blobs, hub
from trajectories.models import Blob, Dataset, Item, Run
from trajectories.models.datasets import Split
from trajectories.models.runs import ContextKind
from trajectories.ratings import current_ratings

CONTEXT_SHOWN: Final = 20_000
EXPORTED_AT_ONCE: Final = 100
_BYTES_A_CHARACTER: Final = 4


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A dataset, with how many items each split has, retired ones left out."""

    dataset: Dataset
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """All items that are in use."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item with the beginning of its context as text; `whole` is false where there is more."""

    item: Item
    context: str
    whole: bool


def datasets_page(
    principal: Principal, project: Project, *, after: str = "", limit: int = DEFAULT_LIMIT
) -> Page[DatasetView]:
    """List a project's datasets by name, those behind the name `after`.

    Raises:
        Invalid: `after` is no dataset's name.
    """
    principal.require("dataset.view")
    if after and not is_slug(after):
        raise Invalid.field("cursor", "is not a cursor of this list")
    with scoping.organization(principal.organization):
        found = Dataset.objects.for_org(principal.organization).filter(project=project, name__gt=after)
        rows = list(found.order_by("name")[: limit + 1])
        shown = _counted(rows[:limit])
    return Page(shown, rows[limit - 1].name if len(rows) > limit else "")


def dataset_by_name(principal: Principal, project: Project, name: str) -> DatasetView:
    """Return a dataset.

    Raises:
        NotFound: the project has none of this name.
    """
    principal.require("dataset.view")
    with scoping.organization(principal.organization):
        found = Dataset.objects.for_org(principal.organization).filter(project=project)
        shown = _counted(found.filter(name=name) if is_slug(name) else found.none())
    if not shown:
        raise NotFound(f'There is no dataset "{name}".')
    return shown[0]


def _counted(datasets: Iterable[Dataset]) -> list[DatasetView]:
    """Count the items of a few datasets in one query."""
    rows = list(datasets)
    counts: dict[UUID, dict[str, int]] = {row.id: dict.fromkeys(Split.values, 0) for row in rows}
    if rows:
        items = Item.objects.for_org(rows[0].organization_id).filter(dataset__in=rows, retired_at=None)
        for dataset_id, split, count in items.values_list("dataset_id", "split").annotate(count=Count("id")):
            counts[dataset_id][split] = count
    return [DatasetView(row, counts[row.id]) for row in rows]


def items_page(
    principal: Principal, dataset: Dataset, *, split: str = "", cursor: str = "", limit: int = DEFAULT_LIMIT
) -> Page[Item]:
    """List a dataset's items by number, newest first, retired ones too; `cursor` is the number of the last one shown.

    Raises:
        Invalid: there is no such split, or the cursor is no number.
    """
    principal.require("dataset.view")
    condition = Q(dataset=dataset)
    if split:
        if split not in Split.values:
            raise Invalid.field("split", f"must be one of {', '.join(Split.values)}")
        condition &= Q(split=split)
    if cursor:
        if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):  # noqa: PLR2004  fits an integer column
            raise Invalid.field("cursor", "is not a cursor of this list")
        condition &= Q(number__lt=int(cursor))
    with scoping.organization(principal.organization):
        found = Item.objects.for_org(principal.organization).filter(condition).select_related("blob", "source_run")
        rows = list(found.order_by("-number")[: limit + 1])
    return Page(rows[:limit], str(rows[limit - 1].number) if len(rows) > limit else "")


def item_of(principal: Principal, dataset: Dataset, number: int) -> ItemView:
    """Return an item with the first CONTEXT_SHOWN characters of its context.

    Raises:
        NotFound: the dataset has none of this number.
    """
    principal.require("dataset.view")
    with scoping.organization(principal.organization):
        found = Item.objects.for_org(principal.organization).filter(dataset=dataset, number=number)
        item = found.select_related("dataset", "blob", "source_run").first()
        if item is None:
            raise NotFound(f"There is no item {number}.")
        if item.blob is None:
            return ItemView(item, "", whole=True)
        head = _head(item.blob, CONTEXT_SHOWN * _BYTES_A_CHARACTER)
    text = head.decode("utf-8", "replace")
    return ItemView(item, text[:CONTEXT_SHOWN], whole=len(head) == item.blob.size and len(text) <= CONTEXT_SHOWN)


def _head(blob: Blob, size: int) -> bytes:
    found = b""
    for chunk in blobs.read(blob):
        found += chunk[: size - len(found)]
        if len(found) >= size:
            break
    return found


async def export_lines(principal: Principal, dataset: Dataset) -> AsyncIterator[str]:
    """Yield the items that are in use as JSONL, as an import reads it; a page of them is in memory at a time."""
    after: int | None = 0
    while after is not None:
        text, after = await hub.in_pool(_export_page, principal, dataset, after)
        yield text


def _export_page(principal: Principal, dataset: Dataset, after: int) -> tuple[str, int | None]:
    """Return lines, and the number behind which the next page starts; None behind the last."""
    with scoping.organization(principal.organization):
        found = Item.objects.for_org(principal.organization).filter(dataset=dataset, retired_at=None)
        rows = list(found.filter(number__gt=after).select_related("blob").order_by("number")[:EXPORTED_AT_ONCE])
        text = "".join(_exported(row) for row in rows)
    return text, rows[-1].number if len(rows) == EXPORTED_AT_ONCE else None


def _exported(item: Item) -> str:
    line: dict[str, Any] = {"task": item.task, "expected": item.expected, "split": item.split}
    if item.blob is not None:
        content = b"".join(blobs.read(item.blob)).decode("utf-8", "surrogatepass")
        line["context"] = content if item.context_kind == ContextKind.TEXT else json.loads(content)
    return json.dumps(line) + "\n"


def expected_of(principal: Principal, run: Run) -> Any:
    """Return the answer that a run should have given: the newest correction, else its own; None where it has none."""
    principal.require("run.view")
    with scoping.organization(principal.organization):
        ratings = current_ratings(run)
    corrections = [rating.correction for rating in ratings if not rating.span_id and rating.correction is not None]
    return corrections[-1] if corrections else run.answer
