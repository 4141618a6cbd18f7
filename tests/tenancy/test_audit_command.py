"""`manage.py audit`: a line for each chain, exit 1 for a broken one."""

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from tests.database import Execute
from tests.factories.tenancy import Tenant

pytestmark = pytest.mark.django_db(transaction=True)


def audit(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("audit", *arguments, stdout=out)
    return out.getvalue().splitlines()


def tamper(as_owner: Execute, table: str, statement: str, *values: object) -> None:
    as_owner(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    as_owner(statement, *values)
    as_owner(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_verify_prints_a_line_for_each_chain(acme: Tenant, bolt: Tenant, as_owner: Execute) -> None:
    lines = audit("verify")
    heads = dict(as_owner("SELECT organization_id, hash FROM audit_auditlink WHERE position = 3"))
    assert lines == [
        f"acme: whole, 3 entries, head acme:3:{heads[acme.organization.id]}",
        f"bolt: whole, 3 entries, head bolt:3:{heads[bolt.organization.id]}",
        f"(platform): whole, 0 entries, head (platform):0:{'0' * 64}",
    ]
    assert audit("verify", "--organization", "bolt") == [lines[1]]


def test_verify_names_the_first_broken_position_and_fails(acme: Tenant, bolt: Tenant, as_owner: Execute) -> None:
    tamper(
        as_owner, "audit_auditentry",
        "UPDATE audit_auditentry SET action = 'x' WHERE organization_id = %s AND action <> 'organization.create'",
        acme.organization.id,
    )  # fmt: skip
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 3 chains broken") as caught:
        call_command("audit", "verify", stdout=out)
    assert caught.value.returncode == 1
    lines = out.getvalue().splitlines()
    assert lines[0] == "acme: BROKEN at position 2: its hash does not match its content"
    assert lines[1].startswith("bolt: whole, 3 entries")


def test_verify_compares_with_an_expected_head(acme: Tenant) -> None:
    (line,) = audit("verify", "--organization", "acme")
    head = line.split("head ")[1]
    assert audit("verify", "--expect", head)[0] == line
    with pytest.raises(CommandError, match="1 of 1 chains broken"):
        audit("verify", "--organization", "acme", "--expect", f"acme:4:{'0' * 64}")


def test_verify_says_that_a_whole_chain_is_gone(acme: Tenant, as_owner: Execute) -> None:
    as_owner("TRUNCATE audit_auditentry, audit_auditlink, audit_auditperson")
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 2 chains broken"):
        call_command("audit", "verify", stdout=out)
    assert out.getvalue().splitlines()[0] == "acme: BROKEN at position 1: the entry of its creation is missing"


def test_verify_goes_on_for_an_organization_that_is_gone(acme: Tenant, as_owner: Execute) -> None:
    gone = uuid4()
    as_owner(
        "INSERT INTO audit_auditentry (id, organization_id, at, actor_kind, action, object_type, outcome, changes,"
        " actor_commitment, subject_commitment) VALUES (%s, %s, now(), 'system', 'x', 'y', 'ok', '{}', '', '')",
        uuid4(), gone,
    )  # fmt: skip
    assert audit("verify")[1].startswith(f"{gone}: whole, 1 entries")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "--organization", "nowhere"), 'there is no organization "nowhere"'),
        (("verify", "--expect", "nowhere:1:abc"), 'there is no chain "nowhere"'),
        (("verify", "--expect", "acme"), "'acme' is not CHAIN:POSITION:HASH"),
        (("erase", "ada"), "invalid UUID value: 'ada'"),
        ((), "the following arguments are required: command"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        audit(*arguments)


def test_erase_empties_personal_fields_and_leaves_the_chains_whole(acme: Tenant) -> None:
    assert audit("erase", str(acme.user.id)) == ["erased the personal fields of 1 entries"]
    lines = audit("verify")
    assert lines[0].startswith("acme: whole, 3 entries, 1 personal parts erased, head ")
    assert lines[1].startswith("(platform): whole, 1 entries")
