"""API keys."""

import hashlib
import hmac

from django.db import models

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models.organizations import Role
from rlmlab.tenancy.models.users import User


class ApiKey(OrgModel):
    """A key of an organization: `rlm_<prefix>_<secret>`.

    Only the prefix, by which it is found, and the SHA-256 of the whole are kept. A slow hash would add nothing: the
    secret has 256 random bits, so there is nothing to guess. `requests_per_second` is a limit of the key's own, below
    the installation's.
    """

    prefix = models.CharField(max_length=8)
    hash = models.CharField(max_length=64)
    label = models.CharField(max_length=80)
    role = models.CharField(max_length=20, choices=Role.choices)
    requests_per_second = models.PositiveIntegerField(null=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prefix"], name="api_key_prefix_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="api_key_role_is_known"),
            models.CheckConstraint(condition=models.Q(requests_per_second__gte=1), name="api_key_rate_is_positive"),
        ]

    def __str__(self) -> str:
        return f"rlm_{self.prefix}_…"

    @staticmethod
    def digest(raw: str) -> str:
        """Hash a key as it is stored."""
        return hashlib.sha256(raw.encode()).hexdigest()

    def matches(self, raw: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.hash, self.digest(raw))
