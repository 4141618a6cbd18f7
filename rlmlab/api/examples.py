"""Few-shot examples of a project, and those that a run was given."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from ninja import Query, Router, Status

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.examples import ExampleOut, RunExampleOut
from rlmlab.scoping.fulltext import MOST_CHARACTERS
from rlmlab.tenancy.queries import project_by_slug
from trajectories.actions import examples as actions
from trajectories.improvement import examples as queries
from trajectories.queries import run_for

router = Router(tags=["examples"])


@router.get("/projects/{slug}/examples", response=ListOf[ExampleOut], summary="List examples")
def list_examples(
    request: ApiRequest,
    slug: str,
    cursor: Cursor,
    limit: Limit,
    query: Annotated[str, Query("", max_length=MOST_CHARACTERS, description="Any of these words.")],
    retired: Annotated[bool, Query(False, description="The retired ones instead.")],
) -> ListOf[ExampleOut]:
    """List a project's examples, newest first."""
    project = project_by_slug(request.auth, slug)
    page = queries.examples_page(request.auth, project, query=query, retired=retired, cursor=cursor, limit=limit)
    return listed(page, ExampleOut.of)


@router.get(
    "/projects/{slug}/examples/preview", response=ListOf[RunExampleOut], summary="Preview the examples of a task"
)
def preview_examples(
    request: ApiRequest,
    slug: str,
    task: Annotated[str, Query("", max_length=MOST_CHARACTERS, description="Its first words decide.")],
) -> ListOf[RunExampleOut]:
    """List the examples that a run with this task would get now, in the order in which it reads them; at most eight."""
    chosen = queries.preview_examples(request.auth, project_by_slug(request.auth, slug), task)
    items = [RunExampleOut.of_chosen(position, item) for position, item in enumerate(chosen, start=1)]
    return ListOf(items=items, next_cursor=None)


@router.post("/runs/{uuid:run_id}/example", response={201: ExampleOut}, summary="Make an example of a run")
def post_example(request: ApiRequest, run_id: UUID) -> Status[ExampleOut]:
    """Make an example of a run that was rated correct or whose answer was corrected."""
    example = actions.make_example(by=request.auth, run=run_for(request.auth, run_id))
    return Status(HTTPStatus.CREATED, ExampleOut.of(queries.example_for(request.auth, example.id)))


@router.get("/runs/{uuid:run_id}/examples", response=ListOf[RunExampleOut], summary="List a run's examples")
def list_run_examples(request: ApiRequest, run_id: UUID) -> ListOf[RunExampleOut]:
    """List which examples a run was given and why, in the order in which it read them; at most eight."""
    used = queries.examples_of(run_for(request.auth, run_id))
    return ListOf(items=[RunExampleOut.of(item) for item in used], next_cursor=None)


@router.get("/examples/{uuid:example_id}", response=ExampleOut, summary="Get an example")
def get_example(request: ApiRequest, example_id: UUID) -> ExampleOut:
    """Return an example."""
    return ExampleOut.of(queries.example_for(request.auth, example_id))


@router.delete("/examples/{uuid:example_id}", response=ExampleOut, summary="Retire an example")
def delete_example(request: ApiRequest, example_id: UUID) -> ExampleOut:
    """Give an example to no further run; those that had it keep their record."""
    actions.retire_example(by=request.auth, example_id=example_id)
    return ExampleOut.of(queries.example_for(request.auth, example_id))
