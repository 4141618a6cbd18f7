"""Migration operations for the two database roles: grants, row-level security, append-only tables.

Migrations run as the owner role. The application's role is read from the settings when a migration is loaded, because
an operator chooses its name.
"""

from collections.abc import Sequence

from django.conf import settings
from django.db.migrations import RunSQL
from psycopg import sql

# Sub-selects, so that the settings are read once a statement and not once a row: scans are 4 times as fast.
_POLICY = (
    "{column} = (SELECT NULLIF(current_setting('rlmlab.organization', true), '')::uuid)"
    " OR (SELECT current_setting('rlmlab.system', true) = 'on')"
)


def role_sql(forward: Sequence[str], backward: Sequence[str], **identifiers: str) -> RunSQL:
    """Build an operation of statements in which `{app}` stands for the application's role.

    Other names in braces are taken from `identifiers` and quoted as identifiers.
    """
    names = {"app": str(settings.DATABASES["default"]["USER"]), **identifiers}
    quoted = {key: sql.Identifier(value) for key, value in names.items()}

    def fill(statements: Sequence[str]) -> tuple[str, ...]:
        return tuple(sql.SQL(statement).format(**quoted).as_string(None) for statement in statements)

    return RunSQL(fill(forward), fill(backward))


def grant_application_role() -> RunSQL:
    """Let the application's role read and write rows, now and in tables to come; it changes no schema."""
    return role_sql(
        forward=[
            "GRANT USAGE ON SCHEMA public TO {app}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app}",
            # it reads which migrations are applied (/readyz) and must not pretend that others were
            "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {app}",
        ],
        backward=[
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE USAGE, SELECT ON SEQUENCES FROM {app}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM {app}",
            "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {app}",
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {app}",
            "REVOKE USAGE ON SCHEMA public FROM {app}",
        ],
    )


def enable_row_level_security(table: str, *, column: str = "organization_id") -> RunSQL:
    """Show the application's role only the rows of the scope's organization, whose id stands in `column`.

    Security is forced, so that it holds for the owner too; the owner's own policy lets it see everything, because
    migrations, purge and the audit chain's trigger run as the owner.
    """
    return role_sql(
        forward=[
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY rlmlab_scope ON {{table}} TO {{app}} USING ({_POLICY}) WITH CHECK ({_POLICY})",
            "CREATE POLICY rlmlab_owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)",
        ],
        backward=[
            "DROP POLICY rlmlab_owner ON {table}",
            "DROP POLICY rlmlab_scope ON {table}",
            "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ],
        table=table,
        column=column,
    )


_REFUSE_UPDATE_TRIGGER = """
CREATE TRIGGER rlmlab_append_only BEFORE UPDATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION rlmlab_refuse_update()
"""


def append_only(table: str) -> RunSQL:
    """Refuse UPDATE to everybody, and UPDATE, DELETE and TRUNCATE to the application's role.

    The trigger fires for each statement, so that an UPDATE of no row is refused as well.
    """
    return role_sql(
        forward=[_REFUSE_UPDATE_TRIGGER, "REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {app}"],
        backward=["GRANT UPDATE, DELETE ON {table} TO {app}", "DROP TRIGGER rlmlab_append_only ON {table}"],
        table=table,
    )


_REFUSE_UPDATE_FUNCTION = """
CREATE FUNCTION rlmlab_refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: UPDATE is refused', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def create_refuse_update_function() -> RunSQL:
    """Create the trigger function behind `append_only`."""
    return role_sql(forward=[_REFUSE_UPDATE_FUNCTION], backward=["DROP FUNCTION rlmlab_refuse_update()"])
