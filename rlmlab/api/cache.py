"""The cache of sub-calls."""

from ninja import Router

from rlmlab.api.auth import ApiRequest
from rlmlab.api.schemas.cache import EmptiedCache
from trajectories.actions.cache import empty_cache

router = Router(tags=["projects"])


@router.delete("/cached-answers", response=EmptiedCache, summary="Empty the cache of sub-calls")
def delete_cached_answers(request: ApiRequest) -> EmptiedCache:
    """Forget all answers that the organization's runs paid for; runs that got one keep it in their record."""
    return EmptiedCache(removed=empty_cache(by=request.auth))
