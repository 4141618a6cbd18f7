"""The runs that came from a run."""

from uuid import UUID

from ninja import Router

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.runs import RunSummary
from trajectories.lineage import descendants_page
from trajectories.queries import run_for

router = Router(tags=["runs"])


@router.get("/runs/{uuid:run_id}/descendants", response=ListOf[RunSummary], summary="List what came from a run")
def list_descendants(request: ApiRequest, run_id: UUID, cursor: Cursor, limit: Limit) -> ListOf[RunSummary]:
    """List a run's forks and retries, and the runs that went on where it was exhausted, newest first."""
    page = descendants_page(request.auth, run_for(request.auth, run_id), cursor=cursor, limit=limit)
    return listed(page, RunSummary.of)
