"""The test database: the embedded one, migrated as the owner, used as the application's role.

Its name is the installation's own, since the session has its own data directory; so a worker process that a test starts
finds the same database. Imported by `tests/conftest.py`, because pytest-django's fixture of the same name must lose.
"""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import TransactionTestCase
from psycopg import sql
from pytest_django import DjangoDbBlocker

from rlmlab.embedded import postgres
from rlmlab.embedded.places import Places
from rlmlab.embedded.secrets import read_secret

KEPT = ("django_migrations", "django_content_type", "auth_permission")

Execute = Callable[..., list[tuple[Any, ...]]]


def connect_as(role: str, where: Places) -> "psycopg.Connection[tuple[Any, ...]]":
    """Open a connection of its own for a role, each statement its own transaction."""
    return psycopg.connect(
        host=str(where.sockets),
        user=role,
        password=read_secret(where, role),
        dbname=settings.DATABASES["default"]["NAME"],
        autocommit=True,
        options="-c lock_timeout=20s",
    )


@pytest.fixture(scope="session")
def django_db_setup(servers: Places, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Migrate as the owner, and flush after transactional tests as the owner."""
    with connect_as(postgres.SUPERUSER, servers) as superuser:
        superuser.execute("ALTER SYSTEM SET fsync = off")  # the cluster ends with the session
        superuser.execute("SELECT pg_reload_conf()")
    with django_db_blocker.unblock():
        call_command("migrate", database="owner", verbosity=0, interactive=False, skip_checks=True)
        connections["owner"].close()
    with pytest.MonkeyPatch.context() as patch, connect_as(postgres.OWNER, servers) as owner:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: flush(owner))
        yield
    with django_db_blocker.unblock():
        connections.close_all()


FLUSHES = 5


def flush(owner: "psycopg.Connection[tuple[Any, ...]]") -> None:
    """Empty each table that has rows: the application's role may not truncate, nor delete what is append-only."""
    tables = owner.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)", [list(KEPT)]
    ).fetchall()
    exists = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
    probes = [exists.format(sql.Literal(table), sql.Identifier(table)) for (table,) in tables]
    filled = owner.execute(sql.SQL(" UNION ALL ").join(probes)).fetchall()
    if filled:
        names = sql.SQL(", ").join(sql.Identifier(table) for (table,) in filled)
        truncate = sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names)
        for left in reversed(range(FLUSHES)):  # a worker of the session may write at this moment
            try:
                owner.execute(truncate)
                break
            except psycopg.errors.DeadlockDetected:
                if not left:
                    raise


@pytest.fixture
def as_owner(django_db_setup: None, servers: Places) -> Iterator[Execute]:
    """Run SQL as the owner, on a connection of its own; it sees committed rows only."""
    with connect_as(postgres.OWNER, servers) as connection:

        def execute(statement: str, *values: Any) -> list[tuple[Any, ...]]:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

        yield execute
