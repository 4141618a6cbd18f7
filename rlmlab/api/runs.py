"""Runs."""

from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID

from ninja import Header, Query, Router, Status

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.runs import RunIn, RunOut, RunPatch, RunSummary
from rlmlab.tenancy.queries import project_by_slug
from trajectories import queries
from trajectories.actions import runs as actions
from trajectories.actions.idempotency import IdempotentRequest
from trajectories.actions.tags import tag_run
from trajectories.search.values import KEYS

router = Router(tags=["runs"])
QUERY: Final = f"""Terms joined by and: `status:failed,cancelled -tag:x cost:>0.5 "free text"`.

Several values mean any of them, `-` turns a term round, and free text is looked for in the title and the first 10,000
characters of the task. The keys: {"; ".join(f"`{key}` {meant.wanted}" for key, meant in KEYS.items())}."""
IdempotencyKey = Annotated[str | None, Header(None, alias="Idempotency-Key")]


@router.post("/projects/{slug}/runs", response={202: RunOut}, summary="Start a run")
def post_run(request: ApiRequest, slug: str, body: RunIn, idempotency_key: IdempotencyKey) -> Status[RunOut]:
    """Start a run and answer at once; repeated under its `Idempotency-Key`, it answers the same run for 24 hours."""
    project = project_by_slug(request.auth, slug)
    key = None if idempotency_key is None else IdempotentRequest(idempotency_key, request.fingerprint)
    run = actions.start_run(by=request.auth, project=project, request=body.request(), idempotent=key)
    return Status(HTTPStatus.ACCEPTED, RunOut.of(run))


@router.get("/projects/{slug}/runs", response=ListOf[RunSummary], summary="List runs")
def list_runs(
    request: ApiRequest,
    slug: str,
    cursor: Cursor,
    limit: Limit,
    query: Annotated[str, Query("", description=QUERY)],
) -> ListOf[RunSummary]:
    """List a project's runs, newest first."""
    project = project_by_slug(request.auth, slug)
    page = queries.runs_page(request.auth, project, query=query, cursor=cursor, limit=limit)
    return listed(page, RunSummary.of)


@router.get("/runs/{uuid:run_id}", response=RunOut, summary="Get a run")
def get_run(request: ApiRequest, run_id: UUID) -> RunOut:
    """Return a run."""
    return RunOut.of(queries.run_for(request.auth, run_id))


@router.patch("/runs/{uuid:run_id}", response=RunOut, summary="Change a run's tags or title")
def patch_run(request: ApiRequest, run_id: UUID, body: RunPatch) -> RunOut:
    """Change what is given and nothing else; also after the run has ended."""
    return RunOut.of(tag_run(by=request.auth, run=queries.run_for(request.auth, run_id), **body.changes()))
