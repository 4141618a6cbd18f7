"""API keys: made, hashed, looked up, revoked."""

import hashlib
import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Invalid, NotAuthenticated, NotFound
from rlmlab.tenancy.actions.keys import create_key, revoke_key
from rlmlab.tenancy.models import ApiKey, Role
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.queries import keys_of, principal_for_key
from tests.factories.tenancy import Tenant, make_member

pytestmark = pytest.mark.django_db


def stored(principal: Principal, prefix: str) -> ApiKey:
    with scoping.organization(principal.organization):
        return ApiKey.objects.get(prefix=prefix)


def test_key_has_the_documented_form(ada: Principal) -> None:
    raws = {create_key(by=ada, label="ci").raw for _ in range(5)}
    assert len(raws) == 5
    assert all(re.fullmatch(r"rlm_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", raw) for raw in raws)


def test_only_prefix_and_hash_are_stored(ada: Principal) -> None:
    new = create_key(by=ada, label="ci", role="viewer")
    key = stored(ada, new.raw[4:12])
    secret = new.raw.split("_", 2)[2]
    assert key.hash == hashlib.sha256(new.raw.encode()).hexdigest()
    assert (key.label, key.role, key.created_by_id) == ("ci", "viewer", ada.actor.id)
    assert str(key) == f"rlm_{key.prefix}_…"
    with scoping.organization(ada.organization):
        entry = AuditEntry.objects.get(object_id=key.id)
    assert entry.changes == {"prefix": key.prefix, "label": "ci", "role": "viewer"}
    assert not any(secret in str(value) for value in (*vars(key).values(), *vars(entry).values()))


def test_key_is_looked_up_before_an_organization_is_known(acme: Tenant, bolt: Tenant) -> None:
    principal = principal_for_key(acme.key)
    assert principal.organization == acme.organization
    assert (principal.role, principal.actor.kind) == ("owner", "api_key")
    assert principal.actor.label == f"{acme.key[:12]}_… “tests”"
    assert principal_for_key(bolt.key).organization == bolt.organization


@pytest.mark.parametrize(
    "raw", ["", "rlm_", "rlm_abc", "sk-123", "rlm_abcdefgh_" + "x" * 42, "rlm_ABCDEFGH_" + "x" * 43]
)
def test_text_that_is_no_key_is_refused(raw: str) -> None:
    with pytest.raises(NotAuthenticated, match="not of the form"):
        principal_for_key(raw)


def test_unknown_changed_and_revoked_keys_get_one_answer(ada: Principal) -> None:
    new = create_key(by=ada, label="ci")
    revoke_key(by=ada, key_id=new.key.id)
    other = create_key(by=ada, label="other")
    changed = other.raw[:-1] + ("A" if other.raw[-1] != "A" else "B")
    for raw in ("rlm_abcdefgh_" + "x" * 43, changed, new.raw):
        with pytest.raises(NotAuthenticated, match="unknown or revoked"):
            principal_for_key(raw)


def test_use_is_noted_once_a_minute(acme: Tenant) -> None:
    prefix = acme.key[4:12]
    assert stored(acme.principal, prefix).last_used_at is None
    principal_for_key(acme.key)
    first = stored(acme.principal, prefix).last_used_at
    assert first is not None
    assert abs(timezone.now() - first) < timedelta(seconds=10)
    principal_for_key(acme.key)
    assert stored(acme.principal, prefix).last_used_at == first
    earlier = timezone.now() - timedelta(minutes=2)
    with scoping.organization(acme.organization):
        ApiKey.objects.filter(prefix=prefix).update(last_used_at=earlier)
    principal_for_key(acme.key)
    later = stored(acme.principal, prefix).last_used_at
    assert later is not None
    assert later > first


def test_key_made_by_a_key_has_no_person(acme: Tenant) -> None:
    new = create_key(by=principal_for_key(acme.key), label="made by a key")
    assert stored(acme.principal, new.key.prefix).created_by_id is None


def test_revoking_twice_is_recorded_once(ada: Principal) -> None:
    new = create_key(by=ada, label="ci")
    first = revoke_key(by=ada, key_id=new.key.id).revoked_at
    assert first is not None
    assert revoke_key(by=ada, key_id=new.key.id).revoked_at == first
    with scoping.organization(ada.organization):
        assert AuditEntry.objects.filter(object_id=new.key.id, action="api_key.revoke").count() == 1


def test_another_organizations_key_is_not_found(ada: Principal, bo: Principal) -> None:
    new = create_key(by=ada, label="ci")
    with pytest.raises(NotFound, match="no such API key"):
        revoke_key(by=bo, key_id=new.key.id)
    assert principal_for_key(new.raw).organization == ada.organization
    assert new.key not in keys_of(bo)


@pytest.mark.parametrize(
    ("label", "role", "detail"),
    [
        ("", "owner", "label: must not be empty"),
        ("x" * 81, "owner", "label: has 81 characters; 80 are allowed"),
        ("x", "root", 'role: "root" is not a role; use one of owner, admin, editor, reviewer, viewer'),
    ],
)
def test_create_key_refuses_a_bad_field(ada: Principal, label: str, role: str, detail: str) -> None:
    with pytest.raises(Invalid) as caught:
        create_key(by=ada, label=label, role=role)
    assert caught.value.detail == detail


@pytest.mark.parametrize("rate", [0, -1, 201, 10**9])
def test_a_limit_beyond_the_installations_is_refused(ada: Principal, rate: int) -> None:
    with pytest.raises(Invalid, match="must be between 1 and 200, this installation's limit") as caught:
        create_key(by=ada, label="x", requests_per_second=rate)
    assert [error.field for error in caught.value.errors] == ["requests_per_second"]
    assert [key.label for key in keys_of(ada)] == ["tests"]


def test_a_keys_own_limit_is_kept_recorded_and_goes_with_whom_it_speaks_for(ada: Principal) -> None:
    new = create_key(by=ada, label="slow", requests_per_second=7)
    assert stored(ada, new.key.prefix).requests_per_second == 7
    assert principal_for_key(new.raw).requests_per_second == 7
    with scoping.organization(ada.organization):
        assert AuditEntry.objects.get(object_id=new.key.id).changes["requests_per_second"] == 7


def test_a_key_without_a_limit_of_its_own_has_the_installations(acme: Tenant) -> None:
    assert principal_for_key(acme.key).requests_per_second is None
    assert acme.principal.requests_per_second is None


def test_the_database_keeps_a_limit_positive(acme: Tenant) -> None:
    refused = pytest.raises(IntegrityError, match="api_key_rate_is_positive")
    with scoping.organization(acme.organization), refused, transaction.atomic():
        ApiKey.objects.update(requests_per_second=0)


def test_viewer_manages_no_keys(acme: Tenant, vera: Principal) -> None:
    key_id = stored(acme.principal, acme.key[4:12]).id
    for call in (
        lambda: create_key(by=vera, label="x"),
        lambda: revoke_key(by=vera, key_id=key_id),
        lambda: keys_of(vera),
    ):
        with pytest.raises(PermissionMissing):
            call()


def test_keys_of_lists_newest_first(ada: Principal) -> None:
    create_key(by=ada, label="second")
    assert [key.label for key in keys_of(ada)] == ["second", "tests"]


def test_nobody_makes_or_revokes_a_key_above_their_own_role(ada: Principal) -> None:
    alf = make_member(ada.organization, "alf@acme.example", Role.ADMIN)
    owners = create_key(by=ada, label="owners", role="owner").key
    for call in (
        lambda: create_key(by=alf, label="mine"),
        lambda: create_key(by=alf, label="mine", role="owner"),
        lambda: revoke_key(by=alf, key_id=owners.id),
    ):
        with pytest.raises(PermissionMissing, match="may neither give nor take the role owner"):
            call()
    assert stored(ada, owners.prefix).revoked_at is None
    own = create_key(by=alf, label="mine", role="admin")
    assert revoke_key(by=alf, key_id=own.key.id).revoked_at is not None
    assert {key.label for key in keys_of(ada)} == {"tests", "owners", "mine"}
