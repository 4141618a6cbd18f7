"""Making and revoking API keys."""

import secrets
import string
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.fields import clean_role, clean_text
from rlmlab.tenancy.models import ApiKey, Role
from rlmlab.tenancy.principals import Principal

PREFIX_LENGTH: Final = 8
SECRET_BYTES: Final = 32
LABEL_LENGTH: Final = 80


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and its text, which is shown now and never again."""

    key: ApiKey
    raw: str


def create_key(*, by: Principal, label: str, role: str = Role.OWNER, requests_per_second: int | None = None) -> NewKey:
    """Make an API key of the organization; with `requests_per_second` it may make fewer than the installation allows.

    Raises:
        Invalid: the label, the role or the limit is not valid.
        PermissionMissing: the role is above the principal's own.
    """
    by.require("key.manage")
    role = clean_role("role", role)
    by.require_grant(role)
    alphabet = string.ascii_lowercase + string.digits
    prefix = "".join(secrets.choice(alphabet) for _ in range(PREFIX_LENGTH))
    raw = f"rlm_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    key = ApiKey(
        organization=by.organization,
        prefix=prefix,
        hash=ApiKey.digest(raw),
        label=clean_text("label", label, limit=LABEL_LENGTH),
        role=role,
        requests_per_second=_clean_rate(requests_per_second),
        created_by_id=by.actor.id if by.actor.kind == "user" else None,
    )
    with scoping.organization(by.organization):
        key.save(force_insert=True)
        limit = {} if key.requests_per_second is None else {"requests_per_second": key.requests_per_second}
        _record(by, key, "api_key.create", {"prefix": prefix, "label": key.label, "role": key.role, **limit})
    return NewKey(key, raw)


def _clean_rate(rate: int | None) -> int | None:
    highest: int = settings.RLMLAB.api_requests_per_second
    if rate is not None and not 1 <= rate <= highest:
        raise Invalid.field("requests_per_second", f"must be between 1 and {highest}, this installation's limit")
    return rate


def revoke_key(*, by: Principal, key_id: UUID) -> ApiKey:
    """Revoke a key for good; doing it again changes nothing.

    Raises:
        NotFound: the organization has no such key.
        PermissionMissing: its role is above the principal's own.
    """
    by.require("key.manage")
    with scoping.organization(by.organization):
        keys = ApiKey.objects.for_org(by.organization).filter(pk=key_id)
        key = keys.first()
        if key is None:
            raise NotFound("There is no such API key.")
        by.require_grant(key.role)
        key.revoked_at = key.revoked_at or timezone.now()
        revoked = keys.filter(revoked_at=None).update(revoked_at=key.revoked_at)
        if revoked:
            _record(by, key, "api_key.revoke", {"prefix": key.prefix, "label": key.label})
    return key


def _record(by: Principal, key: ApiKey, action: str, changes: dict[str, object]) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action=action,
        object_type="api_key",
        object_id=key.id,
        changes=changes,
    )
