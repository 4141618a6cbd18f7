"""Ratings of a run."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from ninja import Query, Router, Status

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.ratings import RatingIn, RatingOut
from rlmlab.tenancy.authors import names_of
from trajectories.actions import ratings as actions
from trajectories.models import Rating
from trajectories.queries import run_for
from trajectories.ratings import ratings_page

router = Router(tags=["ratings"])


@router.post("/runs/{uuid:run_id}/ratings", response={201: RatingOut}, summary="Rate a run")
def post_rating(request: ApiRequest, run_id: UUID, body: RatingIn) -> Status[RatingOut]:
    """Rate a run that has ended; it takes the place of your earlier rating in the same dimension."""
    rating = actions.rate_run(by=request.auth, run=run_for(request.auth, run_id), judgement=body.judgement())
    return Status(HTTPStatus.CREATED, shown(request, [rating])[0])


@router.get("/runs/{uuid:run_id}/ratings", response=ListOf[RatingOut], summary="List a run's ratings")
def list_ratings(
    request: ApiRequest,
    run_id: UUID,
    cursor: Cursor,
    limit: Limit,
    history: Annotated[bool, Query(False, description="Also those that were changed or withdrawn.")],
) -> ListOf[RatingOut]:
    """List ratings with who gave them, newest first."""
    run = run_for(request.auth, run_id)
    page = ratings_page(request.auth, run, history=history, cursor=cursor, limit=limit)
    return ListOf(items=shown(request, page.items), next_cursor=page.next_cursor or None)


@router.delete("/ratings/{uuid:rating_id}", response=RatingOut, summary="Withdraw a rating")
def delete_rating(request: ApiRequest, rating_id: UUID) -> RatingOut:
    """Take back a rating of your own; it stays in the history."""
    return shown(request, [actions.withdraw_rating(by=request.auth, rating_id=rating_id)])[0]


def shown(request: ApiRequest, ratings: Sequence[Rating]) -> list[RatingOut]:
    """Show ratings with their raters' names."""
    authors = [(rating.rater_actor, rating.rater_id) for rating in ratings]
    names = names_of(request.auth.organization, authors)
    return [RatingOut.of(rating, names[author]) for rating, author in zip(ratings, authors, strict=True)]
