"""Invitations to join an organization."""

import hashlib
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from rlmlab.scoping.models import OrgModel, OrgQuerySet
from rlmlab.tenancy.models.organizations import Role
from rlmlab.tenancy.models.users import User


class InvitationQuerySet(OrgQuerySet["Invitation"]):
    """Filters over invitations."""

    def open(self) -> "InvitationQuerySet":
        """Keep those that nobody accepted or took back, also where they have expired."""
        return self.filter(accepted_at=None, revoked_at=None)


InvitationManager = models.Manager.from_queryset(InvitationQuerySet)


class Invitation(OrgModel):
    """A link by which one person joins, once, until it expires; only the SHA-256 of its secret is kept."""

    email = models.EmailField()
    role = models.CharField(max_length=20, choices=Role.choices)
    token_hash = models.CharField(max_length=64)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects: ClassVar[InvitationManager["Invitation"]] = InvitationManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token_hash"], name="invitation_token_once"),
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once_per_email",
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_email_is_lower_case"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_is_known"),
        ]

    @staticmethod
    def digest(token: str) -> str:
        """Hash a link's token as it is stored."""
        return hashlib.sha256(token.encode()).hexdigest()

    def is_valid_at(self, now: datetime) -> bool:
        """Tell whether it can be accepted."""
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at

    @property
    def has_expired(self) -> bool:
        """Whether its week is over."""
        return self.expires_at <= timezone.now()
