"""The migration operations, forwards and backwards."""

from collections.abc import Sequence

import pytest
from django.db.migrations import RunSQL

from rlmlab.scoping import rls
from tests.database import Execute

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "rls_probe"


def run(as_owner: Execute, statements: object) -> None:
    assert isinstance(statements, Sequence)
    for statement in statements:
        as_owner(statement)


def state(as_owner: Execute) -> list[tuple[object, ...]]:
    """Row security, policies, triggers and the application's rights on the probe."""
    (flags,) = as_owner("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'rls_probe'")
    policies = as_owner("SELECT policyname FROM pg_policies WHERE tablename = 'rls_probe' ORDER BY 1")
    triggers = as_owner("SELECT tgname FROM pg_trigger WHERE tgrelid = 'rls_probe'::regclass")
    rights = as_owner(
        "SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM information_schema.role_table_grants"
        " WHERE table_name = 'rls_probe' AND grantee = 'rlmlab_app'"
    )
    return [flags, tuple(name for (name,) in policies), tuple(name for (name,) in triggers), rights[0]]


@pytest.fixture
def probe(as_owner: Execute) -> Execute:
    as_owner("DROP TABLE IF EXISTS rls_probe")
    as_owner("CREATE TABLE rls_probe (id int, tenant uuid)")
    return as_owner


PLAIN = [(False, False), (), (), ("DELETE INSERT SELECT UPDATE",)]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (
            rls.enable_row_level_security(TABLE, column="tenant"),
            [(True, True), ("rlmlab_owner", "rlmlab_scope"), (), ("DELETE INSERT SELECT UPDATE",)],
        ),
        (rls.append_only(TABLE), [(False, False), (), ("rlmlab_append_only",), ("INSERT SELECT",)]),
    ],
)
def test_operation_is_reversible(probe: Execute, operation: RunSQL, expected: list[tuple[object, ...]]) -> None:
    assert state(probe) == PLAIN
    run(probe, operation.sql)
    assert state(probe) == expected
    run(probe, operation.reverse_sql)
    assert state(probe) == PLAIN
    probe("DROP TABLE rls_probe")


def test_identifiers_are_quoted() -> None:
    operation = rls.role_sql(["GRANT SELECT ON {table} TO {app}"], [], table='odd"name')
    assert operation.sql == ('GRANT SELECT ON "odd""name" TO "rlmlab_app"',)
