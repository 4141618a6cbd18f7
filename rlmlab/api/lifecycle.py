"""What becomes of a run while it works and after it ended: stopped, paused, gone on with, forked, retried."""

import hashlib
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from ninja import Header, Router, Status

from rlmlab.api.auth import ApiRequest
from rlmlab.api.schemas.runs import ForkIn, ResumeIn, RetryIn, RunOut
from trajectories import queries
from trajectories.actions import forks, pauses
from trajectories.actions import runs as actions
from trajectories.actions.idempotency import IdempotentRequest
from trajectories.models import Run

router = Router(tags=["runs"])
IdempotencyKey = Annotated[str | None, Header(None, alias="Idempotency-Key")]


@router.post("/runs/{uuid:run_id}/cancel", response={202: RunOut}, summary="Stop a run")
def cancel_run(request: ApiRequest, run_id: UUID) -> Status[RunOut]:
    """Ask a run to stop; it ends within seconds. Asking again changes nothing."""
    return _accepted(actions.cancel_run(by=request.auth, run=queries.run_for(request.auth, run_id)))


@router.post("/runs/{uuid:run_id}/pause", response={202: RunOut}, summary="Pause a run")
def pause_run(request: ApiRequest, run_id: UUID) -> Status[RunOut]:
    """Ask a run to stand still: the model calls that are under way are waited for, then it is `paused`."""
    return _accepted(pauses.pause_run(by=request.auth, run=queries.run_for(request.auth, run_id)))


@router.post("/runs/{uuid:run_id}/resume", response={202: RunOut}, summary="Let a run go on")
def resume_run(request: ApiRequest, run_id: UUID, body: ResumeIn | None = None) -> Status[RunOut]:
    """Let a paused run go on, with other limits where some are given.

    A run that a limit stopped goes on as a new run, which is answered: it shares all that was done, and its limits
    count anew.
    """
    run = queries.run_for(request.auth, run_id)
    return _accepted(pauses.resume_run(by=request.auth, run=run, budget=(body or ResumeIn()).limits()))


@router.post("/runs/{uuid:run_id}/fork", response={202: RunOut}, summary="Fork a run")
def fork_run(request: ApiRequest, run_id: UUID, body: ForkIn, idempotency_key: IdempotencyKey) -> Status[RunOut]:
    """Make a run that shares another one's events up to `at_seq`, at no cost, and differs in what is given."""
    run = queries.run_for(request.auth, run_id)
    key = _key(request, idempotency_key)
    made = forks.fork_run(by=request.auth, run=run, at_seq=body.at_seq, changes=body.changes(), idempotent=key)
    return _accepted(made)


@router.post("/runs/{uuid:run_id}/retry", response={202: RunOut}, summary="Retry a run")
def retry_run(
    request: ApiRequest, run_id: UUID, idempotency_key: IdempotencyKey, body: RetryIn | None = None
) -> Status[RunOut]:
    """Make a run that goes on from the last good step of one that failed or was stopped: what was paid stays paid."""
    run = queries.run_for(request.auth, run_id)
    key = _key(request, idempotency_key)
    return _accepted(forks.retry_run(by=request.auth, run=run, changes=(body or RetryIn()).changes(), idempotent=key))


def _key(request: ApiRequest, key: str | None) -> IdempotentRequest | None:
    """Tell the request from the same body about another run; without a body there is no fingerprint."""
    if key is None:
        return None
    what = f"{request.path}\n{getattr(request, 'fingerprint', '')}"
    return IdempotentRequest(key, hashlib.sha256(what.encode()).hexdigest())


def _accepted(run: Run) -> Status[RunOut]:
    return Status(HTTPStatus.ACCEPTED, RunOut.of(run))
