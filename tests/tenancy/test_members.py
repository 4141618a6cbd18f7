"""Members: adding, changing, removing; and never without an owner."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.tenancy.actions.members import add_member, change_role, remove_member
from rlmlab.tenancy.actions.users import create_user, rename_user, set_password
from rlmlab.tenancy.models import Membership, Role, User
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.queries import members_of, memberships_of, principal_for_user
from tests.factories.tenancy import Tenant, make_member, make_user

pytestmark = pytest.mark.django_db


def last_entry(principal: Principal) -> AuditEntry:
    with scoping.organization(principal.organization):
        return AuditEntry.objects.for_org(principal.organization).order_by("-id")[0]


def own_membership(principal: Principal) -> Membership:
    with scoping.organization(principal.organization):
        return Membership.objects.get(user_id=principal.actor.id)


def test_add_member_records_without_personal_fields_in_the_changes(ada: Principal, bo: Principal) -> None:
    membership = add_member(by=ada, email="Bo@Bolt.example", role="viewer")
    assert [found.organization.slug for found in memberships_of(membership.user)] == ["acme", "bolt"]
    assert principal_for_user(membership.user, "acme").role == "viewer"
    entry = last_entry(ada)
    assert (entry.action, entry.object_id, entry.changes) == ("member.add", bo.actor.id, {"role": "viewer"})
    with scoping.organization(ada.organization):
        fields = {person.part: person.fields for person in entry.people.all()}
    assert fields == {"actor": {"label": "ada@acme.example"}, "subject": {"email": "bo@bolt.example"}}


@pytest.mark.parametrize(
    ("email", "role", "detail"),
    [
        ("ada@acme.example", "viewer", 'email: "ada@acme.example" is a member already'),
        ("nobody", "viewer", 'email: "nobody" is not an email address'),
        ("x@acme.example", "viewer", 'email: "x@acme.example" has no account; send an invitation'),
        ("x@acme.example", "king", 'role: "king" is not a role; use one of owner, admin, editor, reviewer, viewer'),
    ],
)
def test_add_member_refuses_a_bad_field(ada: Principal, email: str, role: str, detail: str) -> None:
    with pytest.raises(Invalid) as caught:
        add_member(by=ada, email=email, role=role)
    assert caught.value.detail == detail
    assert User.objects.count() == 1


def test_change_role_records_before_and_after(ada: Principal, vera: Principal) -> None:
    changed = change_role(by=ada, membership_id=own_membership(vera).id, role="owner")
    assert changed.role == "owner"
    assert own_membership(vera).role == "owner"
    assert last_entry(ada).changes == {"role": {"from": "viewer", "to": "owner"}}


def test_a_role_that_a_member_has_already_leaves_no_entry(ada: Principal, vera: Principal) -> None:
    before = last_entry(ada).id
    assert change_role(by=ada, membership_id=own_membership(vera).id, role="viewer").role == "viewer"
    assert last_entry(ada).id == before


def test_last_owner_can_neither_leave_nor_step_down(ada: Principal, vera: Principal) -> None:
    membership = own_membership(ada)
    with pytest.raises(Conflict, match="needs an owner"):
        remove_member(by=ada, membership_id=membership.id)
    with pytest.raises(Conflict, match="needs an owner"):
        change_role(by=ada, membership_id=membership.id, role="viewer")
    assert own_membership(ada).role == "owner"


def test_remove_member_keeps_the_account(ada: Principal, vera: Principal) -> None:
    remove_member(by=ada, membership_id=own_membership(vera).id)
    assert User.objects.filter(email="vera@acme.example").exists()
    assert [membership.user.email for membership in members_of(ada)] == ["ada@acme.example"]
    assert (last_entry(ada).action, last_entry(ada).changes) == ("member.remove", {"role": "viewer"})


def test_members_of_another_organization_are_not_found(ada: Principal, bo: Principal) -> None:
    membership = own_membership(bo)
    with pytest.raises(NotFound, match="no such member"):
        remove_member(by=ada, membership_id=membership.id)
    with pytest.raises(NotFound, match="no such member"):
        change_role(by=ada, membership_id=membership.id, role="viewer")
    assert own_membership(bo).role == "owner"


def test_viewer_manages_no_members(vera: Principal) -> None:
    membership = own_membership(vera)
    with pytest.raises(PermissionMissing):
        add_member(by=vera, email="x@acme.example", role="viewer")
    with pytest.raises(PermissionMissing):
        change_role(by=vera, membership_id=membership.id, role="owner")
    with pytest.raises(PermissionMissing):
        remove_member(by=vera, membership_id=membership.id)
    with pytest.raises(PermissionMissing):
        members_of(vera)


def test_nobody_gives_a_role_above_their_own(ada: Principal, vera: Principal, bo: Principal) -> None:
    alf = make_member(ada.organization, "alf@acme.example", Role.ADMIN)
    membership = own_membership(vera)
    with pytest.raises(
        PermissionMissing, match="may neither give nor take the role owner, which is above it"
    ) as caught:
        change_role(by=alf, membership_id=membership.id, role="owner")
    assert caught.value.permission == "role.owner"
    with pytest.raises(PermissionMissing):
        add_member(by=alf, email="bo@bolt.example", role="owner")
    assert change_role(by=alf, membership_id=membership.id, role="admin").role == "admin"
    assert len(members_of(ada)) == 3


def test_only_an_owner_touches_an_owner(ada: Principal) -> None:
    alf = make_member(ada.organization, "alf@acme.example", Role.ADMIN)
    olga = make_member(ada.organization, "olga@acme.example", Role.OWNER)
    membership = own_membership(olga)
    with pytest.raises(PermissionMissing):
        change_role(by=alf, membership_id=membership.id, role="viewer")
    with pytest.raises(PermissionMissing):
        remove_member(by=alf, membership_id=membership.id)
    assert own_membership(olga).role == "owner"
    change_role(by=ada, membership_id=membership.id, role="viewer")
    remove_member(by=alf, membership_id=membership.id)
    assert {member.user.email for member in members_of(ada)} == {"ada@acme.example", "alf@acme.example"}


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_at_once_leave_one(acme: Tenant) -> None:
    ada, eve = acme.principal, make_member(acme.organization, "eve@acme.example", Role.OWNER)
    targets = [(ada, own_membership(eve).id), (eve, own_membership(ada).id)]
    start, outcomes = Barrier(2), []

    def leave(by: Principal, membership_id: object) -> None:
        start.wait()
        try:
            remove_member(by=by, membership_id=membership_id)  # type: ignore[arg-type]
            outcomes.append("removed")
        except Conflict:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [Thread(target=leave, args=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["conflict", "removed"]
    assert len(members_of(ada)) == 1


def test_create_user_with_a_taken_email_names_the_field(ada: Principal) -> None:
    with pytest.raises(Invalid, match=r'email: "ada@acme\.example" has an account already'):
        create_user(by=ada.actor, email="Ada@acme.example", password="long enough words")


def test_set_password_takes_effect_and_is_recorded(ada: Principal) -> None:
    user = make_user("eve@acme.example")
    set_password(by=ada.actor, user=user, password="another long sentence")
    assert User.objects.get(pk=user.pk).check_password("another long sentence")
    with scoping.organization(scoping.PLATFORM):
        entry = AuditEntry.objects.get(action="user.set_password")
    assert (entry.object_id, entry.changes) == (user.id, {})
    with pytest.raises(Invalid, match="password: This password is too short"):
        set_password(by=ada.actor, user=user, password="short")


def test_rename_is_recorded_once_and_only_in_erasable_fields(ada: Principal) -> None:
    user = make_user("eve@acme.example")
    assert rename_user(by=user, name=" Eve Adams ").name == "Eve Adams"
    assert rename_user(by=user, name="Eve Adams").name == "Eve Adams"
    assert User.objects.get(pk=user.pk).name == "Eve Adams"
    with scoping.organization(scoping.PLATFORM):
        entry = AuditEntry.objects.get(action="user.rename")
        fields = {person.part: person.fields for person in entry.people.all()}
    assert (entry.object_id, entry.actor_id, entry.changes) == (user.id, user.id, {})
    assert fields["subject"] == {"email": "eve@acme.example", "name": "Eve Adams"}
    with pytest.raises(Invalid, match="name: has 121 characters"):
        rename_user(by=user, name="x" * 121)


def test_user_is_found_by_email_whatever_its_case(ada: Principal) -> None:
    assert str(User.objects.get_by_natural_key("ADA@acme.example")) == "ada@acme.example"
