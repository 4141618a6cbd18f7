"""Experiments of a project."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from ninja import Query, Router, Status

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.experiments import ComparedItem, ExperimentIn, ExperimentOut
from rlmlab.tenancy.queries import project_by_slug
from trajectories.actions import experiments as actions
from trajectories.improvement import evaluation

router = Router(tags=["experiments"])
KindFilter = Annotated[
    str, Query("", max_length=20, description="Only win, loss, both_right, both_wrong, missing or open.")
]
AfterItem = Annotated[int, Query(0, ge=0, le=2**31 - 1, description="Start behind this item's number.")]


@router.get("/{slug}/experiments", response=ListOf[ExperimentOut], summary="List experiments")
def list_experiments(request: ApiRequest, slug: str, cursor: Cursor, limit: Limit) -> ListOf[ExperimentOut]:
    """List a project's experiments with what came of them, newest first; a page has 50 at most, each computed anew."""
    project = project_by_slug(request.auth, slug)
    page = evaluation.experiments_page(request.auth, project, cursor=cursor, limit=limit)
    return listed(page, ExperimentOut.of)


@router.post("/{slug}/experiments", response={202: ExperimentOut}, summary="Start an experiment")
def post_experiment(request: ApiRequest, slug: str, body: ExperimentIn) -> Status[ExperimentOut]:
    """Freeze the plan and start two runs for each item of the dataset's split, at most 200 items."""
    project = project_by_slug(request.auth, slug)
    made = actions.create_experiment(by=request.auth, project=project, request=body.request())
    return Status(HTTPStatus.ACCEPTED, _shown(request, slug, made.id))


@router.get("/{slug}/experiments/{uuid:experiment_id}", response=ExperimentOut, summary="Get an experiment")
def get_experiment(request: ApiRequest, slug: str, experiment_id: UUID) -> ExperimentOut:
    """Return an experiment with what came of it so far."""
    return _shown(request, slug, experiment_id)


@router.get(
    "/{slug}/experiments/{uuid:experiment_id}/items", response=ListOf[ComparedItem], summary="List compared items"
)
def list_compared_items(
    request: ApiRequest, slug: str, experiment_id: UUID, cursor: AfterItem, limit: Limit, kind: KindFilter
) -> ListOf[ComparedItem]:
    """List the items with what both arms made of them, by number."""
    found = evaluation.experiment_for(request.auth, project_by_slug(request.auth, slug), experiment_id)
    page = evaluation.rows_page(request.auth, found, kind=kind, after=cursor, limit=limit)
    return listed(page, ComparedItem.of)


@router.post(
    "/{slug}/experiments/{uuid:experiment_id}/cancel", response={202: ExperimentOut}, summary="Stop an experiment"
)
def cancel_experiment(request: ApiRequest, slug: str, experiment_id: UUID) -> Status[ExperimentOut]:
    """Ask all runs that have not ended to stop; asking again changes nothing."""
    project = project_by_slug(request.auth, slug)
    found = evaluation.experiment_for(request.auth, project, experiment_id)
    actions.cancel_experiment(by=request.auth, experiment=found)
    return Status(HTTPStatus.ACCEPTED, _shown(request, slug, experiment_id))


def _shown(request: ApiRequest, slug: str, experiment_id: UUID) -> ExperimentOut:
    found = evaluation.experiment_for(request.auth, project_by_slug(request.auth, slug), experiment_id)
    return ExperimentOut.of((found, evaluation.comparison_of(found)))
