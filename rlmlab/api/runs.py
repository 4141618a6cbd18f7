"""Runs."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from ninja import Header, Query, Router, Status

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.runs import RunIn, RunOut, RunSummary
from rlmlab.tenancy.queries import project_by_slug
from trajectories import queries
from trajectories.actions import runs as actions
from trajectories.actions.idempotency import IdempotentRequest

router = Router(tags=["runs"])
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
    query: Annotated[str, Query("", description='`status:failed model:gpt* tag:x "free text"`')],
) -> ListOf[RunSummary]:
    """List a project's runs, newest first."""
    project = project_by_slug(request.auth, slug)
    page = queries.runs_page(request.auth, project, query=query, cursor=cursor, limit=limit)
    return listed(page, RunSummary.of)


@router.get("/runs/{uuid:run_id}", response=RunOut, summary="Get a run")
def get_run(request: ApiRequest, run_id: UUID) -> RunOut:
    """Return a run."""
    return RunOut.of(queries.run_for(request.auth, run_id))


@router.post("/runs/{uuid:run_id}/cancel", response={202: RunOut}, summary="Stop a run")
def cancel_run(request: ApiRequest, run_id: UUID) -> Status[RunOut]:
    """Ask a run to stop; it ends within seconds. Asking again changes nothing."""
    run = actions.cancel_run(by=request.auth, run=queries.run_for(request.auth, run_id))
    return Status(HTTPStatus.ACCEPTED, RunOut.of(run))
