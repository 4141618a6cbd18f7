"""Datasets of a project."""

from http import HTTPStatus
from typing import Annotated

from django.http import StreamingHttpResponse
from ninja import Query, Router, Status

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.datasets import AddedItems, DatasetIn, DatasetOut, ItemOut, ItemsIn
from rlmlab.tenancy.queries import project_by_slug
from trajectories.actions import datasets as actions
from trajectories.improvement import datasets as reads

router = Router(tags=["datasets"])
SplitFilter = Annotated[str, Query("", max_length=10, description="Only this split: train, dev or holdout.")]


@router.get("/{slug}/datasets", response=ListOf[DatasetOut], summary="List datasets")
def list_datasets(request: ApiRequest, slug: str, cursor: Cursor, limit: Limit) -> ListOf[DatasetOut]:
    """List a project's datasets by name."""
    project = project_by_slug(request.auth, slug)
    return listed(reads.datasets_page(request.auth, project, after=cursor, limit=limit), DatasetOut.of)


@router.post("/{slug}/datasets", response={201: DatasetOut}, summary="Create a dataset")
def post_dataset(request: ApiRequest, slug: str, body: DatasetIn) -> Status[DatasetOut]:
    """Make an empty dataset."""
    project = project_by_slug(request.auth, slug)
    made = actions.create_dataset(by=request.auth, project=project, **body.model_dump())
    return Status(HTTPStatus.CREATED, DatasetOut.of(reads.dataset_by_name(request.auth, project, made.name)))


@router.get("/{slug}/datasets/{dataset}", response=DatasetOut, summary="Get a dataset")
def get_dataset(request: ApiRequest, slug: str, dataset: str) -> DatasetOut:
    """Return a dataset."""
    return DatasetOut.of(reads.dataset_by_name(request.auth, project_by_slug(request.auth, slug), dataset))


@router.get("/{slug}/datasets/{dataset}/items", response=ListOf[ItemOut], summary="List items")
def list_items(
    request: ApiRequest, slug: str, dataset: str, cursor: Cursor, limit: Limit, split: SplitFilter
) -> ListOf[ItemOut]:
    """List a dataset's items, newest first, retired ones too."""
    found = reads.dataset_by_name(request.auth, project_by_slug(request.auth, slug), dataset).dataset
    return listed(reads.items_page(request.auth, found, split=split, cursor=cursor, limit=limit), ItemOut.of)


@router.post("/{slug}/datasets/{dataset}/items", response={201: AddedItems}, summary="Add items")
def post_items(request: ApiRequest, slug: str, dataset: str, body: ItemsIn) -> Status[AddedItems]:
    """Add one item, or a list of up to 1,000: all or none. The same task over the same input is refused."""
    found = reads.dataset_by_name(request.auth, project_by_slug(request.auth, slug), dataset).dataset
    rows = actions.add_items(by=request.auth, dataset=found, items=[item.new() for item in body.items])
    return Status(HTTPStatus.CREATED, AddedItems(items=[ItemOut.of(row) for row in rows]))


@router.get("/{slug}/datasets/{dataset}/export", response=str, summary="Export a dataset")
def export_dataset(request: ApiRequest, slug: str, dataset: str) -> StreamingHttpResponse:
    """Stream the items in use as JSONL, a line an item, as the console's import reads them."""
    found = reads.dataset_by_name(request.auth, project_by_slug(request.auth, slug), dataset).dataset
    response = StreamingHttpResponse(reads.export_lines(request.auth, found), content_type="application/jsonl")
    response["Content-Disposition"] = f'attachment; filename="{found.name}.jsonl"'
    return response
