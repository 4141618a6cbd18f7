"""The current organization, and the row-level security behind it.

Importing this package loads no model, so that settings and application configurations may import it.
"""

from rlmlab.scoping.context import (
    PLATFORM,
    Tenant,
    current_organization_id,
    current_system_reason,
    organization,
    system,
)

__all__ = [
    "PLATFORM",
    "Tenant",
    "current_organization_id",
    "current_system_reason",
    "organization",
    "system",
]
