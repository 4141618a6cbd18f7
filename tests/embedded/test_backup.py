"""An embedded installation is backed up while it runs, and made again elsewhere from what was written."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from rlmlab.embedded import postgres
from rlmlab.embedded.backup import back_up, restore
from rlmlab.embedded.errors import StartError
from rlmlab.embedded.places import Places, places
from rlmlab.embedded.supervisor import Supervisor
from rlmlab.env import Environment, read_environment
from tests.environment import DATA_DIR
from tests.factories.tenancy import Tenant
from tests.guards.tree import ROOT


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' account can reach."""
    made = Path(tempfile.mkdtemp(prefix="rlmlab-test-backup-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def environment(data_dir: Path) -> Environment:
    return read_environment().model_copy(update={"data_dir": data_dir})


@contextmanager
def started(where: Places) -> Iterator[None]:
    supervisor = Supervisor(print)
    try:
        supervisor.start(postgres.prepare(where), lambda: postgres.is_ready(where))
        yield
    finally:
        supervisor.stop()


def manage(data_dir: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {"RLMLAB_DATA_DIR": str(data_dir)}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def backup(folder: Path, transactional_db: None, acme: Tenant) -> Path:
    """A backup of the test's own installation, in which there is Acme."""
    made = folder / "kept" / "backup"
    back_up(environment(DATA_DIR), made)
    return made


def test_a_backup_is_a_dump_and_the_secrets_for_our_eyes_only(backup: Path) -> None:
    found = {str(path.relative_to(backup)): path.stat().st_mode & 0o777 for path in backup.rglob("*")}
    made = {path.name for path in (DATA_DIR / "secrets").iterdir()}
    assert made >= {"postgres", "rlmlab_app", "rlmlab_owner"}
    secrets = {f"secrets/{name}": 0o600 for name in made}
    assert found == {"database.dump": 0o600, "secrets": 0o700, **secrets}
    assert backup.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in backup.parent.iterdir()] == ["backup"]
    assert (backup / "database.dump").read_bytes().startswith(b"PGDMP")


def test_a_restored_installation_holds_the_rows_and_the_whole_audit_chain(
    backup: Path, folder: Path, acme: Tenant
) -> None:
    before = manage(DATA_DIR, "audit", "verify")
    assert before.returncode == 0, before.stderr
    data_dir = folder / "data"
    restored = manage(data_dir, "restore", str(backup))
    assert restored.stdout == f"Restored into {data_dir}. Start it with `make run`.\n", restored.stderr
    where = places(data_dir)
    with started(where):
        assert manage(data_dir, "audit", "verify").stdout == before.stdout
        with psycopg.connect(**postgres.connection_settings(where, postgres.OWNER)) as owner:
            slugs = owner.execute("SELECT slug FROM tenancy_organization").fetchall()
        with psycopg.connect(**postgres.connection_settings(where, postgres.APPLICATION)) as application:
            assert application.execute("SELECT count(*) FROM tenancy_project").fetchone() == (0,)
    assert slugs == [(acme.organization.slug,)]
    assert f"{acme.organization.slug}: whole, " in before.stdout


def test_a_stopped_installation_is_backed_up_and_left_stopped(backup: Path, folder: Path) -> None:
    env = environment(folder / "data")
    restore(env, backup)
    again = folder / "again"
    said = manage(env.data_dir, "backup", str(again))
    assert said.stdout.startswith(f"Backed up to {again}. "), said.stderr
    assert postgres.is_ready(places(env.data_dir)) is False
    assert (again / "secrets" / "rlmlab_app").read_bytes() == (backup / "secrets" / "rlmlab_app").read_bytes()


def test_nothing_is_restored_over_an_installation(backup: Path) -> None:
    with pytest.raises(StartError, match=f"{DATA_DIR} holds an installation"):
        restore(environment(DATA_DIR), backup)


def test_a_refused_dump_leaves_a_folder_that_can_be_tried_again(backup: Path, folder: Path) -> None:
    broken = folder / "broken"
    shutil.copytree(backup, broken)
    (broken / "database.dump").write_bytes(b"PGDMP and nothing else")
    env = environment(folder / "data")
    with pytest.raises(StartError, match="pg_restore failed: "):
        restore(env, broken)
    assert not places(env.data_dir).cluster.exists()
    restore(env, backup)
    assert places(env.data_dir).cluster.exists()


def test_what_is_no_backup_is_named(folder: Path) -> None:
    with pytest.raises(StartError, match=r"is no backup: it needs database\.dump and secrets/"):
        restore(environment(folder / "data"), folder)
    assert list(folder.iterdir()) == []


def test_a_backup_replaces_nothing(backup: Path) -> None:
    with pytest.raises(StartError, match=f"{backup} is there already"):
        back_up(environment(DATA_DIR), backup)


def test_an_empty_data_directory_has_nothing_to_back_up(folder: Path) -> None:
    refused = manage(folder, "backup", str(folder / "backup"))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"CommandError: There is no database in {folder}.")
    assert list(folder.iterdir()) == []


def test_a_database_on_a_server_is_the_servers_to_back_up(folder: Path) -> None:
    env = environment(folder).model_copy(update={"database_url": "postgresql://app@db/rlmlab"})
    for command in (back_up, restore):
        with pytest.raises(StartError, match="DATABASE_URL names a server"):
            command(env, folder / "backup")
