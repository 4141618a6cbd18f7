"""Datasets and their items over REST."""

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from tests.api.conftest import ApiClient
from tests.factories.datasets import items_of, make_dataset, new_item
from tests.factories.tenancy import Tenant
from trajectories.actions.datasets import add_items, retire_item
from trajectories.improvement import datasets as reads

DATASETS = "/api/v1/projects/demo/datasets"
ITEMS = f"{DATASETS}/sums/items"


def fields(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.content
    return [error["field"] for error in answer.json()["errors"]]


def test_a_dataset_is_made_listed_and_shown(as_ada: ApiClient) -> None:
    answer = as_ada.send(DATASETS, {"name": "sums", "description": "Small ones", "checker": "number"})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["name"], made["description"], made["checker"]) == ("sums", "Small ones", "number")
    assert made["items"] == {"train": 0, "dev": 0, "holdout": 0}
    as_ada.send(DATASETS, {"name": "capitals"})
    listed = as_ada.get(DATASETS, {"limit": 1}).json()
    assert [item["name"] for item in listed["items"]] == ["capitals"]
    assert as_ada.get(DATASETS, {"cursor": listed["next_cursor"]}).json() == {"items": [made], "next_cursor": None}
    assert as_ada.get(f"{DATASETS}/sums").json() == made
    assert as_ada.get(f"{DATASETS}/nothing").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "A B"}, "name"),
        ({"name": "sums"}, "name"),
        ({"name": "a", "checker": "magic"}, "checker"),
        ({"name": "a", "odd": 1}, "odd"),
    ],
)
def test_a_wrong_field_of_a_dataset_is_named(as_ada: ApiClient, acme: Tenant, body: Any, field: str) -> None:
    make_dataset(acme.principal, acme.project)
    assert fields(as_ada.send(DATASETS, body)) == [field]


def test_one_item_or_a_list_is_added(as_ada: ApiClient, acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    one = as_ada.send(ITEMS, {"task": "Add 1 and 1.", "expected": 2, "context": {"a": 1}, "split": "dev"})
    assert one.status_code == 201, one.content
    (item,) = one.json()["items"]
    assert (item["number"], item["task"], item["expected"], item["split"]) == (1, "Add 1 and 1.", 2, "dev")
    assert (item["context"], item["run"], item["retired_at"]) == ({"kind": "json", "size": 8}, None, None)
    several = [{"task": f"Add {number} and 1.", "expected": "3"} for number in (2, 3)]
    assert [row["number"] for row in as_ada.send(ITEMS, several).json()["items"]] == [2, 3]
    assert as_ada.send(ITEMS, {"items": [{"task": "Add 4 and 1.", "expected": "5"}]}).status_code == 201
    assert [row.split for row in items_of(dataset)] == ["dev", "holdout", "holdout", "holdout"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([], ["items"]),
        ({"task": "x"}, ["items.0.expected"]),
        ([{"task": "x", "expected": "1"}, {"task": "", "expected": "2"}], ["items.1.task"]),
        ([{"task": "x", "expected": "1"}, {"task": "x", "expected": "2"}], ["items.1.task"]),
        ([{"task": "x", "expected": "one"}], ["items.0.expected"]),
        ([{"task": "x", "expected": None}], ["items.0.expected"]),
        ([{"task": "x", "expected": "1", "odd": 1}], ["items.0.odd"]),
        ([{"task": 1, "expected": "1", "split": "x"}], ["items.0.task"]),
        ([{"task": "x", "expected": "1", "split": "x"}], ["items.0.split"]),
        ({"items": "x"}, ["items"]),
        ([{"task": "x", "expected": "1"}] * 1001, ["items"]),
    ],
)
def test_a_wrong_field_of_an_item_is_named_and_nothing_is_added(
    as_ada: ApiClient, acme: Tenant, body: Any, expected: list[str]
) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    assert fields(as_ada.send(ITEMS, body)) == expected
    assert items_of(dataset) == []


def test_items_are_listed_by_split_and_page(as_ada: ApiClient, acme: Tenant) -> None:
    make_dataset(acme.principal, acme.project, 3)
    page = as_ada.get(ITEMS, {"limit": 2}).json()
    assert [item["number"] for item in page["items"]] == [3, 2]
    rest = as_ada.get(ITEMS, {"cursor": page["next_cursor"]}).json()
    assert [item["number"] for item in rest["items"]] == [1]
    assert as_ada.get(ITEMS, {"split": "train"}).json()["items"] == []
    assert fields(as_ada.get(ITEMS, {"split": "x"})) == ["split"]


@pytest.mark.django_db(transaction=True)
async def test_the_export_is_what_an_import_reads(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "EXPORTED_AT_ONCE", 2)

    def prepare() -> None:
        dataset = make_dataset(acme.principal, acme.project, 2)
        more = [new_item(7, split="dev", context={"ü": [1]}, expected=8), new_item(8, context="a\ud800")]
        add_items(by=acme.principal, dataset=dataset, items=more)
        retire_item(by=acme.principal, item=items_of(dataset)[0])

    await sync_to_async(prepare)()
    headers = {"Authorization": f"Bearer {acme.key}"}
    answer: Any = await AsyncClient().get(f"{DATASETS}/sums/export", headers=headers)
    text = b"".join([part async for part in answer.streaming_content]).decode()
    assert (answer["Content-Type"], answer["Content-Disposition"]) == (
        "application/jsonl", 'attachment; filename="sums.jsonl"',
    )  # fmt: skip
    assert [json.loads(line) for line in text.splitlines()] == [
        {"task": "Add 2 and 1.", "expected": "3", "split": "holdout"},
        {"task": "Add 7 and 1.", "expected": 8, "split": "dev", "context": {"ü": [1]}},
        {"task": "Add 8 and 1.", "expected": "9", "split": "holdout", "context": "a\ud800"},
    ]


def test_a_viewer_looks_and_an_editor_manages(as_vera: ApiClient, as_bo: ApiClient, acme: Tenant) -> None:
    make_dataset(acme.principal, acme.project, 1)
    for path in (DATASETS, f"{DATASETS}/sums", ITEMS):
        assert as_vera.get(path).status_code == 200, path
    assert as_vera.send(DATASETS, {"name": "mine"}).status_code == 403
    assert as_vera.send(ITEMS, {"task": "x", "expected": "1"}).status_code == 403
    assert as_bo.get(f"{DATASETS}/sums").status_code == 404
    assert as_bo.send(ITEMS, {"task": "x", "expected": "1"}).status_code == 404
