"""The pages about datasets."""

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, Client

from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.principals import Principal
from tests.console.conftest import browser_of
from tests.console.page import links_of, text_of
from tests.factories.datasets import items_of, make_dataset, new_item
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant
from trajectories.actions.datasets import add_items
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.improvement import uploads
from trajectories.improvement.datasets import dataset_by_name

pytestmark = pytest.mark.django_db

LIST = "/o/acme/p/demo/datasets"
SUMS = "/o/acme/p/demo/datasets/sums"


def test_an_empty_list_says_what_to_do(as_ada: Client, as_vera: Client) -> None:
    assert "Make one below" in text_of(as_ada.get(LIST))
    page = text_of(as_vera.get(LIST))
    assert "When an editor makes one, it appears here." in page
    assert "Make dataset" not in page


def test_a_dataset_is_made_and_listed(as_ada: Client) -> None:
    made = as_ada.post(LIST, {"name": "capitals", "description": "Of Europe", "checker": "contains"})
    assert (made.status_code, made["Location"]) == (302, f"{LIST}/capitals")
    page = as_ada.get(LIST)
    assert "capitals Of Europe Contains the expected text 0 0 0" in text_of(page)
    assert f"{LIST}/capitals" in links_of(page)


def test_a_wrong_name_is_told_at_its_field(as_ada: Client) -> None:
    answer = as_ada.post(LIST, {"name": "A B", "checker": "exact"})
    assert answer.status_code == 422
    assert "must be lower-case letters, digits and inner hyphens" in text_of(answer)


def test_a_viewer_makes_and_fills_nothing(as_vera: Client, acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project, 1)
    assert as_vera.post(LIST, {"name": "mine", "checker": "exact"}).status_code == 403
    for path in ("add", "import"):
        assert as_vera.get(f"{SUMS}/{path}").status_code == 403
        assert as_vera.post(f"{SUMS}/{path}").status_code == 403
    assert as_vera.post(f"{SUMS}/items/1/retire").status_code == 403
    assert items_of(dataset)[0].retired_at is None
    page = as_vera.get(SUMS)
    assert "Add 1 and 1." in text_of(page)
    assert not {f"{SUMS}/add", f"{SUMS}/import", "/o/acme/p/demo/experiments/new?dataset=sums"} & links_of(page)


def test_items_are_shown_by_split(as_ada: Client, acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project, 2)
    add_items(by=acme.principal, dataset=dataset, items=[new_item(7, split="train", context="x" * 1500)])
    page = text_of(as_ada.get(SUMS))
    assert "All 3 Train 1 Dev 0 Holdout 2" in page
    assert "3 Add 7 and 1. 8 Train 1.5 KB" in page
    only = text_of(as_ada.get(SUMS, {"split": "train"}))
    assert "Add 7 and 1." in only
    assert "Add 1 and 1." not in only
    assert "No items in this split" in text_of(as_ada.get(SUMS, {"split": "dev"}))
    refused = as_ada.get(SUMS, {"split": "odd"})
    assert (refused.status_code, "must be one of train, dev, holdout" in text_of(refused)) == (422, True)


def test_an_empty_dataset_says_what_to_do(as_ada: Client, as_vera: Client, acme: Tenant) -> None:
    make_dataset(acme.principal, acme.project)
    assert "Import a JSONL or CSV file" in text_of(as_ada.get(SUMS))
    assert "When an editor adds some, they appear here." in text_of(as_vera.get(SUMS))
    assert as_ada.get(f"{LIST}/nothing").status_code == 404


def test_older_items_are_a_page_away(as_ada: Client, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlmlab.console.views.datasets.PAGE", 2)
    make_dataset(acme.principal, acme.project, 3)
    first = as_ada.get(SUMS)
    assert "Add 1 and 1." not in text_of(first)
    assert "Add 1 and 1." in text_of(as_ada.get(SUMS, {"cursor": first.context["page"].next_cursor}))


def test_an_item_is_added_by_hand(as_ada: Client, acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    assert as_ada.get(f"{SUMS}/add").status_code == 200
    body = {"task": "How many?", "context": '{"a": 1}', "context_is_json": "on", "expected": "3", "split": "dev"}
    answer = as_ada.post(f"{SUMS}/add", body, follow=True)
    assert "Item 1 is added." in text_of(answer)
    (item,) = items_of(dataset)
    assert (item.task, item.expected, item.split, item.context_kind) == ("How many?", "3", "dev", "json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expected": "three"}, "has no number, which this dataset compares"),
        ({"context": "{", "context_is_json": "on"}, "is not valid JSON"),
        ({"context": "7", "context_is_json": "on"}, "must be a string, a list or an object"),
        ({"task": ""}, "This field is required."),
        ({"task": "Add 1 and 1."}, "is there already with the same input: item 1"),
        ({"split": "odd"}, "Select a valid choice"),
    ],
)
def test_a_wrong_item_is_told_at_its_field(as_ada: Client, acme: Tenant, change: dict[str, str], message: str) -> None:
    dataset = make_dataset(acme.principal, acme.project, 1)
    answer = as_ada.post(f"{SUMS}/add", {"task": "x", "expected": "1", "split": "dev"} | change)
    assert answer.status_code == 422
    assert message in text_of(answer)
    assert len(items_of(dataset)) == 1


def upload(client: Client, text: str, name: str = "items.jsonl") -> Any:
    file = SimpleUploadedFile(name, text.encode())
    return client.post(f"{SUMS}/import", {"file": file, "split": "dev"}, follow=True)


def test_a_file_is_imported(as_ada: Client, acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    assert "What a file looks like" in text_of(as_ada.get(f"{SUMS}/import"))
    lines = [json.dumps({"task": f"Task {number}", "expected": "1"}) for number in range(3)]
    assert "3 items are added." in text_of(upload(as_ada, "\n".join(lines)))
    assert "1 items are added." in text_of(upload(as_ada, "task,expected,split\nTask,4,train\n", "a.csv"))
    assert [item.split for item in items_of(dataset)] == ["dev", "dev", "dev", "train"]


def test_bad_lines_are_named_and_nothing_is_imported(
    as_ada: Client, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    answer = upload(as_ada, '{"task": "One", "expected": "1"}\n{"task": "Two"}\n7')
    assert answer.status_code == 422
    assert "line 2: expected is missing line 3: must be a JSON object" in text_of(answer)
    assert "must be named *.jsonl or *.csv" in text_of(upload(as_ada, "x", "a.txt"))
    assert "This field is required." in text_of(as_ada.post(f"{SUMS}/import"))
    monkeypatch.setattr("rlmlab.console.views.dataset_changes.FILE_BYTES", 3)
    assert "has 4 bytes; 3 are allowed" in text_of(upload(as_ada, "7777"))
    assert uploads.FILE_BYTES == 50 << 20
    assert items_of(dataset) == []


def test_an_item_is_shown_and_retired(as_ada: Client, acme: Tenant) -> None:
    dataset = make_dataset(acme.principal, acme.project)
    add_items(by=acme.principal, dataset=dataset, items=[new_item(1, context="<b>long</b>" * 3000)])
    page = as_ada.get(f"{SUMS}/items/1")
    assert "Add 1 and 1." in text_of(page)
    assert "33.0 KB · the first 20,000 characters" in text_of(page)
    assert b"&lt;b&gt;long" in page.content
    retired = as_ada.post(f"{SUMS}/items/1/retire", follow=True)
    assert "Item 1 is retired: new experiments leave it out." in text_of(retired)
    assert "Retired" in text_of(as_ada.get(f"{SUMS}/items/1"))
    assert items_of(dataset)[0].retired_at is not None
    assert as_ada.get(f"{SUMS}/items/2").status_code == 404
    assert as_ada.get(f"{SUMS}/items/1/retire").status_code == 405


def test_a_run_becomes_an_item_with_its_correction(as_ada: Client, ada: Principal, acme: Tenant) -> None:
    dataset = make_dataset(ada, acme.project)
    run = finished_run(ada, acme.project, task="How many?", context="some text")
    rate_run(by=ada, run=run, judgement=Judgement("correct", 0.0, correction={"n": 17}))
    path = f"/o/acme/p/demo/runs/{run.id}/item"
    assert path in links_of(as_ada.get(f"/runs/{run.id}"))
    form = as_ada.get(path)
    assert "{&quot;n&quot;: 17}" in form.content.decode()
    answer = as_ada.post(path, {"dataset": "sums", "split": "train", "expected": "17"}, follow=True)
    assert "The run is item 1 of sums." in text_of(answer)
    (item,) = items_of(dataset)
    assert (item.expected, item.split, item.source_run_id) == ("17", "train", run.id)
    assert f"/runs/{run.id}" in links_of(as_ada.get(SUMS))
    again = as_ada.post(path, {"dataset": "sums", "split": "dev", "expected": "17"})
    assert (again.status_code, "item 1" in text_of(again)) == (422, True)


def test_a_run_finds_no_dataset_or_another_project(as_ada: Client, as_vera: Client, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    assert "Make one first" in text_of(as_ada.get(f"/o/acme/p/demo/runs/{run.id}/item"))
    create_project(by=acme.principal, slug="other")
    assert as_ada.get(f"/o/acme/p/other/runs/{run.id}/item").status_code == 404
    assert as_vera.get(f"/o/acme/p/demo/runs/{run.id}/item").status_code == 403


@pytest.mark.django_db(transaction=True)
async def test_the_export_is_a_file(acme: Tenant) -> None:
    await sync_to_async(make_dataset)(acme.principal, acme.project, 2)
    signed_in = await sync_to_async(browser_of)(acme.principal)
    client = AsyncClient()
    client.cookies = signed_in.cookies
    answer: Any = await client.get(f"{SUMS}/export")
    lines = b"".join([part async for part in answer.streaming_content]).decode().splitlines()
    assert answer["Content-Disposition"] == 'attachment; filename="sums.jsonl"'
    assert [json.loads(line)["expected"] for line in lines] == ["2", "3"]


def test_bo_finds_nothing(as_bo: Client, acme: Tenant) -> None:
    make_dataset(acme.principal, acme.project, 1)
    for path in (SUMS, f"{SUMS}/add", f"{SUMS}/items/1", f"{SUMS}/export"):
        assert as_bo.get(path).status_code == 404
    assert dataset_by_name(acme.principal, acme.project, "sums").total == 1
