"""Organizations: making them, their caps."""

from uuid import UUID

import pytest

from rlmlab import scoping
from rlmlab.audit.actors import SYSTEM, Actor
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Invalid
from rlmlab.tenancy.actions.organizations import create_organization, set_caps
from rlmlab.tenancy.models import Organization
from rlmlab.tenancy.principals import PermissionMissing, Principal
from tests.factories.tenancy import Tenant

pytestmark = pytest.mark.django_db


def entries(organization_id: UUID) -> list[tuple[str, dict[str, object]]]:
    with scoping.organization(organization_id):
        found = AuditEntry.objects.for_org(organization_id).order_by("id")
        return [(entry.action, entry.changes) for entry in found]


def test_create_organization_stores_and_records() -> None:
    made = create_organization(by=Actor("user", UUID(int=7), "root@example.org"), slug="acme", name=" Acme Ltd ")
    with scoping.organization(made):
        stored = Organization.objects.get()
        entry = AuditEntry.objects.get()
    assert (stored.id, stored.slug, stored.name) == (made.id, "acme", "Acme Ltd")
    assert (entry.action, entry.object_type, entry.object_id) == ("organization.create", "organization", made.id)
    assert (entry.actor_kind, entry.actor_id, entry.outcome) == ("user", UUID(int=7), "ok")
    assert entry.changes == {"slug": "acme", "name": "Acme Ltd"}
    assert str(made) == "acme"


def test_create_organization_with_a_taken_slug_names_the_field(acme: Tenant) -> None:
    with pytest.raises(Invalid, match='slug: "acme" is taken'):
        create_organization(by=SYSTEM, slug="acme", name="Another")
    with scoping.system("a test counts"):
        assert Organization.objects.count() == 1


@pytest.mark.parametrize(("slug", "name", "field"), [("Acme", "Acme", "slug"), ("acme", "", "name")])
def test_create_organization_with_a_bad_field_stores_nothing(slug: str, name: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        create_organization(by=SYSTEM, slug=slug, name=name)
    assert [error.field for error in caught.value.errors] == [field]
    with scoping.system("a test counts"):
        assert (Organization.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_organization_has_no_caps_at_first(acme: Tenant) -> None:
    assert acme.organization.budget_caps() == {}


def test_set_caps_stores_clears_and_records(ada: Principal) -> None:
    set_caps(
        by=ada,
        caps={
            "max_tokens": 5000,
            "max_cost_usd": 0.25,
            "max_seconds": 60,
            "max_sub_calls": 3,
            "max_concurrent_runs": 7,
        },
    )
    changed = set_caps(by=ada, caps={"max_tokens": None, "max_cost_usd": 0.5})
    assert changed.budget_caps() == {
        "max_cost_usd": 0.5,
        "max_seconds": 60,
        "max_sub_calls": 3,
        "max_concurrent_runs": 7,
    }
    with scoping.organization(ada.organization):
        assert Organization.objects.get().budget_caps() == changed.budget_caps()
    assert entries(ada.organization_id)[-1] == (
        "organization.set_caps",
        {"max_tokens": {"from": 5000, "to": None}, "max_cost_usd": {"from": 0.25, "to": 0.5}},
    )


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("max_tokens", 0, "must be above 0 and at most 1000000000000000"),
        ("max_tokens", -1, "must be above 0 and at most 1000000000000000"),
        ("max_seconds", 2**31, "must be above 0 and at most 2147483647"),
        ("max_sub_calls", 1.5, "must be a whole number"),
        ("max_cost_usd", float("nan"), "must be above 0 and at most 10000000"),
        ("max_cost_usd", float("inf"), "must be above 0 and at most 10000000"),
        (
            "tokens",
            1,
            "is not a limit; use one of max_tokens, max_cost_usd, max_seconds, max_sub_calls, max_concurrent_runs",
        ),
    ],
)
def test_set_caps_refuses_a_bad_value(ada: Principal, field: str, value: float, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        set_caps(by=ada, caps={"max_seconds": 60, field: value})
    assert caught.value.detail == f"{field}: {reason}"
    with scoping.organization(ada.organization):
        assert Organization.objects.get().budget_caps() == {}


def test_set_caps_needs_the_permission(vera: Principal) -> None:
    with pytest.raises(PermissionMissing, match=r"organization\.manage"):
        set_caps(by=vera, caps={"max_tokens": 1})
