"""PostgreSQL with its two roles, Valkey or Redis, RabbitMQ where it is the broker, and a live worker."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from celery import current_app
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from rlmlab.management.doctor.findings import SECONDS, Finding, graded
from trajectories import readiness

EMBEDDED: Final = f"Start the embedded servers with `make run`; if they run, their logs are in {settings.PLACES.logs}."
OLDEST_POSTGRES: Final = 15
OLDEST_VALKEY: Final = 7
QUESTIONS: Final = 3

_ROLE: Final = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_TABLES: Final = """
SELECT count(*), count(*) FILTER (WHERE relrowsecurity AND relforcerowsecurity),
       count(*) FILTER (WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user))
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'organization_id' AND NOT attisdropped
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
"""


def look_at_database() -> Sequence[Finding]:
    """Connect as the application's role, and look at the schema and at what holds organizations apart."""
    database = settings.DATABASES["default"]
    remedy = EMBEDDED if settings.RLMLAB.database_url is None else "Start it, or set DATABASE_URL to another."
    try:
        with connect(database) as connection:
            version = connection.info.server_version // 10_000
            bypasses = connection.execute(_ROLE).fetchone()
            tables = connection.execute(_TABLES).fetchone()
    except psycopg.Error as error:
        problem = f"not reachable at {place(database)}: {first_line(error)}"
        return [Finding("PostgreSQL", "missing", problem, remedy, needed=True)]
    server = graded(
        "PostgreSQL",
        "" if version >= OLDEST_POSTGRES else f"version {version} at {place(database)} is too old",
        detail=f"version {version} at {place(database)}",
        remedy=f"PostgreSQL {OLDEST_POSTGRES} or later.",
        needed=True,
    )
    return [server, schema(), roles(), security(bool(bypasses and bypasses[0]), tables or (0, 0, 0)), owner()]


def connect(database: dict[str, Any]) -> "psycopg.Connection[tuple[Any, ...]]":
    """Connect with a setting of Django's, for a short time and outside of its pool."""
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    values = {name: database[key] for name, key in names.items() if database[key]}
    options = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
    return psycopg.connect(**options | values, connect_timeout=int(SECONDS), autocommit=True)


def schema() -> Finding:
    """Compare the schema with the code."""
    found = readiness.migrations()
    return graded(
        "schema",
        "" if found == readiness.OK else f"migrations: {found}",
        detail="all migrations are applied",
        remedy="`manage.py migrate`",
        needed=True,
    )


def roles() -> Finding:
    """Compare the two roles' names."""
    application, owner_ = (settings.DATABASES[alias]["USER"] for alias in ("default", "owner"))
    return graded(
        "two roles",
        "" if application != owner_ else f"{application} is both the owner and the application's role",
        detail=f"{application} for the application, {owner_} owns the tables",
        remedy="Set RLMLAB_OWNER_DATABASE_URL to another role than DATABASE_URL's.",
        needed=True,
    )


def security(bypasses: bool, tables: Sequence[int]) -> Finding:
    """Judge whether row-level security binds the application: `tables` are all, the secured ones, its own ones."""
    total, secured, own = tables
    problem = ""
    if bypasses or own:
        problem = "the application's role bypasses it"
    elif secured < total:
        problem = f"only on {secured} of {total} tables"
    return graded(
        "row-level security",
        problem,
        detail=f"forced on all {total} tables of organizations",
        remedy="Run `manage.py migrate` as the owner; ALTER ROLE … NOSUPERUSER NOBYPASSRLS for the application's role.",
        needed=True,
    )


def owner() -> Finding:
    """Connect as the owner, whom only migrations and purges need."""
    try:
        connect(settings.DATABASES["owner"]).close()
    except psycopg.Error as error:
        problem = first_line(error)
    else:
        problem = ""
    return graded(
        "owner's connection",
        problem,
        detail="works",
        remedy="Set RLMLAB_OWNER_DATABASE_URL; upgrades and purges need it.",
        worst="warn",
    )


def look_at_broker() -> Sequence[Finding]:
    """Ask the server of queue and live channel about itself, and then for a worker behind it."""
    remedy = EMBEDDED if settings.RLMLAB.redis_url is None else "Start it, or set REDIS_URL to another."
    client = Redis.from_url(
        settings.LIVE_URL,
        decode_responses=True,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with client:
            found: dict[str, Any] = client.info()
    except (RedisError, OSError) as error:
        return [
            Finding("Valkey or Redis", "missing", first_line(error), remedy, needed=True),
            Finding("worker", "missing", "cannot be asked without it", needed=True),
        ]
    own_broker = [rabbitmq()] if settings.BROKER_IS_RABBITMQ else []
    return [broker(found), eviction(found), append_only(found), *own_broker, worker()]


def rabbitmq() -> Finding:
    """Connect to RabbitMQ as web processes and workers do."""
    problem = version = ""
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=SECONDS)
            version = str(connection.connection.server_properties.get("version", "of unknown version"))
    except readiness.BROKER_ERRORS as error:
        problem = first_line(error)
    return graded(
        "RabbitMQ",
        problem,
        detail=f"RabbitMQ {version}",
        remedy="Start it, or set RLMLAB_BROKER_URL to another; without it the server of REDIS_URL is the broker.",
        needed=True,
    )


def broker(found: dict[str, Any]) -> Finding:
    """Judge the server's version."""
    product = "Valkey" if "valkey_version" in found else "Redis"
    version = str(found.get("valkey_version") or found["redis_version"])
    return graded(
        "Valkey or Redis",
        "" if int(version.split(".", maxsplit=1)[0]) >= OLDEST_VALKEY else f"{product} {version} is too old",
        detail=f"{product} {version}",
        remedy=f"Valkey, or Redis {OLDEST_VALKEY} or later.",
        needed=True,
    )


def eviction(found: dict[str, Any]) -> Finding:
    """Judge what the server does when its memory is full."""
    policy = found.get("maxmemory_policy", "unknown")
    return graded(
        "memory policy",
        "" if policy == "noeviction" else f"{policy}: messages may be dropped when memory is full",
        detail=policy,
        remedy="CONFIG SET maxmemory-policy noeviction, and the same in its configuration file.",
        worst="warn",
    )


def append_only(found: dict[str, Any]) -> Finding:
    """Judge whether messages outlive a restart of the server."""
    return graded(
        "append-only file",
        "" if found.get("aof_enabled") else "off: a restart loses messages, which the sweep sends again",
        detail="on",
        remedy="CONFIG SET appendonly yes, and the same in its configuration file.",
        worst="warn",
    )


def worker() -> Finding:
    """Wait for one worker's sign of life; one that is busy may miss a question."""
    found = readiness.worker()
    for _ in range(QUESTIONS - 1):
        found = found if found == readiness.OK else readiness.worker()
    return graded(
        "worker",
        "" if found == readiness.OK else found,
        detail="answers",
        remedy="`make run`, or `celery -A rlmlab.celery worker -P threads` where you run the processes yourself.",
        needed=True,
    )


def place(database: dict[str, Any]) -> str:
    """Name a database without its password."""
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"{database['HOST'] or 'the local socket'}{port}/{database['NAME']}"


def first_line(error: Exception) -> str:
    """Say in a line what went wrong; where PostgreSQL was asked is said already."""
    lines = str(error).strip().splitlines()
    return lines[0].rpartition(" failed: ")[2] if lines else type(error).__name__
