"""The audit chains there are, by the names of their organizations, and their checks."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from rlmlab import scoping
from rlmlab.audit.chain import ChainReport, Head, chain_ids, verify_chain
from rlmlab.tenancy.models import Organization

PLATFORM_NAME: Final = "(platform)"


def named_chains() -> dict[str, UUID]:
    """Map names to chains, in a scope that sees all.

    Every organization has a chain from its first entry on; a deleted one's goes by its id.
    """
    organizations = {item.slug: item.id for item in Organization.objects.order_by("slug")}
    known = {*organizations.values(), scoping.PLATFORM}
    gone = {str(chain): chain for chain in chain_ids() if chain not in known}
    return {**organizations, **gone, PLATFORM_NAME: scoping.PLATFORM}


def verified(organization_id: UUID, expected: Head | None = None) -> ChainReport:
    """Check a chain in a scope that sees it; an organization's begins with the entry of its creation."""
    report = verify_chain(organization_id, expected=expected)
    if report.broken_at is None and report.head.position == 0 and organization_id != scoping.PLATFORM:
        return replace(report, broken_at=1, reason="the entry of its creation is missing")
    return report
