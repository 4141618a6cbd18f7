"""Emptying the cache of sub-calls."""

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.tenancy.principals import Principal
from trajectories.models import CachedAnswer


def empty_cache(*, by: Principal) -> int:
    """Forget all answers that the organization's runs paid for; return how many there were.

    Runs that were answered from the cache keep their answers: those are part of their own record.
    """
    by.require("project.configure")
    with scoping.organization(by.organization):
        removed, _ = CachedAnswer.objects.for_org(by.organization).delete()
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="cache.empty",
            object_type="organization",
            object_id=by.organization_id,
            changes={"answers": removed},
        )
    return removed
