"""System checks on the two database roles."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections


@register()
def roles_differ(**_: Any) -> list[CheckMessage]:
    """Refuse one role for both uses: the owner sees every organization's rows."""
    databases = settings.DATABASES
    if databases["default"].get("USER") != databases["owner"].get("USER"):
        return []
    return [
        Error(
            "DATABASE_URL and RLMLAB_OWNER_DATABASE_URL name the same database role",
            hint="Give the application a role of its own: not the owner of the tables, not a superuser, no BYPASSRLS.",
            id="rlmlab.E001",
        )
    ]


@register(Tags.database)
def application_role_is_bound(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Refuse an application role that row-level security does not bind."""
    if "default" not in (databases or ()):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)")
        row = cursor.fetchone()
    if row is None:
        return []
    return [
        Error(
            f'the application\'s database role "{row[0]}" bypasses row-level security',
            hint="ALTER ROLE … NOSUPERUSER NOBYPASSRLS, or name another role in DATABASE_URL.",
            id="rlmlab.E002",
        )
    ]
