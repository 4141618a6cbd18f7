"""Making datasets and filling them: by hand, from a file, from a run."""

from collections.abc import Sequence
from typing import IO, Any, Final

from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.errors import FieldError, Invalid, NotFound
from rlmlab.tenancy.fields import clean_slug, clean_text, unique
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories import contexts
from trajectories.actions.files import refuse_foreign
from trajectories.improvement import uploads
from trajectories.improvement.items import NewItem, problems_of
from trajectories.improvement.uploads import Line
from trajectories.improvement.writing import Writer
from trajectories.models import Dataset, Item, Run
from trajectories.models.datasets import Checker
from trajectories.models.runs import ContextKind

DESCRIPTION_CHARACTERS: Final = 500
ITEMS_AT_ONCE: Final = 1000
PROBLEMS_SHOWN: Final = 20


def create_dataset(
    *, by: Principal, project: Project, name: str, description: str = "", checker: str = Checker.EXACT
) -> Dataset:
    """Make an empty dataset.

    Raises:
        Invalid: the name is taken or no short name, the description is too long, or there is no such checker.
        NotFound: the project is another organization's.
    """
    by.require("dataset.manage")
    refuse_foreign(by, project)
    name = clean_slug("name", name)
    if checker not in Checker.values:
        raise Invalid.field("checker", f"must be one of {', '.join(Checker.values)}")
    description = clean_text("description", description, limit=DESCRIPTION_CHARACTERS, blank=True)
    with scoping.organization(by.organization):
        with unique("dataset_name_once_per_project", "name", f'there is a dataset "{name}" already'):
            dataset = Dataset.objects.create(
                organization=by.organization, project=project, name=name, description=description, checker=checker
            )
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="dataset.create",
            object_type="dataset",
            object_id=dataset.id,
            changes={"name": name, "checker": checker, "project": project.slug},
        )
    return dataset


def add_items(*, by: Principal, dataset: Dataset, items: Sequence[NewItem]) -> list[Item]:
    """Add items to a dataset, all or none.

    Raises:
        Invalid: naming every wrong field as `items.N.field`; the same input may be there once.
        NotFound: the dataset is another organization's.
    """
    by.require("dataset.manage")
    _refuse_foreign_dataset(by, dataset)
    if not 1 <= len(items) <= ITEMS_AT_ONCE:
        raise Invalid.field("items", f"must be 1 to {ITEMS_AT_ONCE:,} items")
    errors = [
        FieldError(f"items.{at}.{error.field}", error.message)
        for at, item in enumerate(items)
        for error in problems_of(item, dataset.checker)
    ]
    _refuse(errors)
    with scoping.organization(by.organization):
        writer = Writer(_locked(dataset))
        for at, item in enumerate(items):
            writer.take(item, f"items.{at}.task")
        _refuse(writer.errors)
        rows = writer.close()
        _record_added(by, dataset, len(rows), source="hand")
    return rows


def import_items(*, by: Principal, dataset: Dataset, file: IO[bytes], name: str, split: str) -> int:
    """Add the items of a JSONL or CSV file, all or none; return how many.

    Raises:
        Invalid: at the field `file`, a message for each of the first bad lines; nothing is added.
        NotFound: the dataset is another organization's.
    """
    by.require("dataset.manage")
    _refuse_foreign_dataset(by, dataset)
    with scoping.organization(by.organization):
        writer = Writer(_locked(dataset))
        for line in uploads.read(file, name=name, split=split):
            _take_line(writer, line, dataset.checker)
        _refuse_lines(writer.errors)
        count = len(writer.close())
        if not count:
            raise Invalid.field("file", "has no items")
        _record_added(by, dataset, count, source=name[:100])
    return count


def add_item_from_run(*, by: Principal, run: Run, dataset: Dataset, split: str, expected: Any) -> Item:
    """Make an item of what a run was asked, with the answer that it should have got.

    Raises:
        Invalid: the run reads files, which an item cannot hold; or a field is wrong; or its input is there already.
        NotFound: run or dataset is another organization's, or of another project.
    """
    by.require("dataset.manage")
    _refuse_foreign_dataset(by, dataset)
    if run.organization_id != by.organization_id or run.project_id != dataset.project_id:
        raise NotFound(f"There is no run {run.id}.")
    if run.context_kind in {ContextKind.FILES, ContextKind.MIXED}:
        raise Invalid.field("run", "reads files; an item has one text or JSON value as its input")
    with scoping.organization(by.organization):
        blob = next((entry.blob for entry in contexts.inputs_of(run)), None)
        item = NewItem(run.task, expected, split=split, source_run=run, blob=blob)
        _refuse(list(problems_of(item, dataset.checker)))
        writer = Writer(_locked(dataset))
        writer.take(item, "run")
        _refuse(writer.errors)
        row = writer.close()[0]
        _record_added(by, dataset, 1, source=f"run {run.id}")
    return row


def retire_item(*, by: Principal, item: Item) -> Item:
    """Use an item no more; experiments that used it keep it. Retiring it again changes nothing."""
    by.require("dataset.manage")
    with scoping.organization(by.organization):
        found = Item.objects.for_org(by.organization).select_related("dataset").select_for_update(of=("self",))
        locked = found.filter(id=item.id).first()
        if locked is None:
            raise NotFound(f"There is no item {item.number}.")
        if locked.retired_at is None:
            locked.retired_at = timezone.now()
            locked.save(update_fields=["retired_at"])
            record(
                organization_id=by.organization_id,
                actor=by.actor,
                action="dataset.retire_item",
                object_type="item",
                object_id=locked.id,
                changes={"dataset": locked.dataset.name, "number": locked.number, "split": locked.split},
            )
    return locked


def _refuse_foreign_dataset(by: Principal, dataset: Dataset) -> None:
    if dataset.organization_id != by.organization_id:
        raise NotFound(f'There is no dataset "{dataset.name}".')


def _locked(dataset: Dataset) -> Dataset:
    """Return the dataset, held until the transaction ends: its items are numbered in turn."""
    return Dataset.objects.for_org(dataset.organization_id).select_for_update().get(id=dataset.id)


def _refuse(errors: Sequence[FieldError]) -> None:
    if errors:
        detail = "; ".join(f"{error.field}: {error.message}" for error in errors[:PROBLEMS_SHOWN])
        raise Invalid(detail, errors=tuple(errors))


def _take_line(writer: Writer, line: Line, checker: str) -> None:
    """Hand an item on, or note what is wrong with its line."""
    place = f"line {line.number}"
    if line.item is None:
        writer.errors.append(FieldError(place, line.problem))
    elif problems := list(problems_of(line.item, checker)):
        writer.errors += [FieldError(place, f"{error.field} {error.message}") for error in problems]
    else:
        writer.take(line.item, place)


def _refuse_lines(errors: Sequence[FieldError]) -> None:
    """Say all that is wrong with a file at its one field."""
    if not errors:
        return
    shown = [FieldError("file", f"{error.field}: {error.message}") for error in errors[:PROBLEMS_SHOWN]]
    if len(errors) > PROBLEMS_SHOWN:
        shown.append(FieldError("file", f"and {len(errors) - PROBLEMS_SHOWN:,} more; nothing was added"))
    _refuse(shown)


def _record_added(by: Principal, dataset: Dataset, count: int, *, source: str) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action="dataset.add_items",
        object_type="dataset",
        object_id=dataset.id,
        changes={"name": dataset.name, "items": count, "source": source},
    )
