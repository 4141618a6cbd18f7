"""Writes items into a dataset: numbered, each input once, in batches."""

import hashlib
from typing import Final

from django.db.models import Max

from rlmlab.errors import FieldError
from trajectories import blobs
from trajectories.improvement.inputs import input_hash
from trajectories.improvement.items import NewItem
from trajectories.models import Dataset, Item

BATCH_ITEMS: Final = 500
BATCH_BYTES: Final = 8 << 20


class Writer:
    """Takes the items of a dataset that its caller has locked, in the caller's transaction.

    `errors` is what was refused; from the first on nothing is written, since the caller will roll back.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        rows = Item.objects.for_org(dataset.organization_id).filter(dataset=dataset)
        self._known = dict(rows.filter(retired_at=None).values_list("input_hash", "number"))
        self._next: int = (rows.aggregate(last=Max("number"))["last"] or 0) + 1
        self._batch: list[tuple[Item, bytes | None]] = []
        self._bytes = 0
        self._written: list[Item] = []
        self.errors: list[FieldError] = []

    def take(self, item: NewItem, place: str) -> None:
        """Write an item, soon; an input that is there already is refused at `place`."""
        content = item.content()
        digest = hashlib.sha256(content).hexdigest() if content is not None else item.blob and item.blob.sha256
        hashed = input_hash(item.task, [("", digest)] if digest else [])
        number = self._known.setdefault(hashed, self._next)
        if number != self._next:
            self.errors.append(FieldError(place, f"is there already with the same input: item {number}"))
            return
        self._next += 1
        if self.errors:
            return
        self._batch.append((self._row(item, number, hashed), content))
        self._bytes += len(content or b"")
        if len(self._batch) >= BATCH_ITEMS or self._bytes >= BATCH_BYTES:
            self._flush()

    def close(self) -> list[Item]:
        """Write what is left and return all rows."""
        self._flush()
        return self._written

    def _row(self, item: NewItem, number: int, hashed: str) -> Item:
        return Item(
            organization_id=self._dataset.organization_id,
            dataset=self._dataset,
            number=number,
            split=item.split,
            task=item.task,
            context_kind=item.context_kind,
            blob=item.blob,
            expected=item.expected,
            input_hash=hashed,
            source_run=item.source_run,
        )

    def _flush(self) -> None:
        contents = [content for _, content in self._batch if content is not None]
        if contents:
            kept = blobs.put_all(organization_id=self._dataset.organization_id, contents=contents)
            for row, content in self._batch:
                if content is not None:
                    row.blob = kept[hashlib.sha256(content).hexdigest()]
        rows = [row for row, _ in self._batch]
        Item.objects.bulk_create(rows)
        self._written += rows
        self._batch, self._bytes = [], 0
