"""A command that cannot work says why in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rlmlab.embedded import postgres
from rlmlab.embedded.places import Places

ROOT = Path(__file__).resolve().parents[2]
BLOCKED = """
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
sys.argv = {arguments!r}
runpy.{run}
"""


def python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("package", "run"),
    [
        ("celery", "run_path('manage.py', run_name='__main__')"),
        ("django", "run_path('manage.py', run_name='__main__')"),
        ("pydantic_settings", "run_module('rlmlab.embedded', run_name='__main__')"),
    ],
)
def test_a_missing_package_is_named(package: str, run: str) -> None:
    done = python(BLOCKED.format(package=package, arguments=["manage.py", "check"], run=run))
    assert done.returncode == 1
    assert done.stderr == f"Error: The Python package {package} is missing. Run `make setup`.\n"


def test_a_command_without_its_database_says_how_to_start_it(tmp_path: Path) -> None:
    program = "import runpy, sys; sys.argv = ['manage.py', 'migrate']; runpy.run_path('manage.py', run_name='__main__')"
    done = python(program, RLMLAB_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The database does not answer. Start it with `make run`, or set DATABASE_URL.")
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_setting_is_named_before_anything_starts(tmp_path: Path) -> None:
    program = "import runpy; runpy.run_module('rlmlab.embedded', run_name='__main__')"
    done = python(program, RLMLAB_PORT="eighty", RLMLAB_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: RLMLAB_PORT: ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    program = "import runpy; runpy.run_module('rlmlab.embedded', run_name='__main__')"
    done = python(program, RLMLAB_DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert "Set RLMLAB_DATA_DIR to a folder that you can write." in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_disk_that_refuses_while_it_starts_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("")  # a file where a folder belongs
    program = "import runpy; runpy.run_module('rlmlab.embedded', run_name='__main__')"
    done = python(program, RLMLAB_PORT="18999", RLMLAB_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == f"Error: File exists: {tmp_path / 'secrets'}. Mend that, and start again.\n"


def test_a_start_makes_the_folder_of_logs_where_no_server_of_ours_does(tmp_path: Path) -> None:
    program = "import runpy; runpy.run_module('rlmlab.embedded', run_name='__main__')"
    nowhere = "postgresql://{}@127.0.0.1:1/lab"
    done = python(
        program,
        RLMLAB_PORT="18999",
        RLMLAB_DATA_DIR=str(tmp_path),
        DATABASE_URL=nowhere.format("app"),
        RLMLAB_OWNER_DATABASE_URL=nowhere.format("owner"),
        REDIS_URL="redis://127.0.0.1:1",
    )
    assert done.stderr.startswith("Error: The application could not be prepared: CommandError: The broker cannot be")
    assert "REDIS_URL" in done.stderr
    assert (tmp_path / "logs").is_dir()


def test_an_application_role_that_security_does_not_bind_is_refused(servers: Places) -> None:
    def url(role: str) -> str:
        settings = postgres.connection_settings(servers, role)
        return " ".join(f"{name}={value}" for name, value in settings.items())

    program = "import runpy, sys; sys.argv = ['manage.py', 'prepare']; runpy.run_path('manage.py', run_name='__main__')"
    done = python(program, DATABASE_URL=url(postgres.SUPERUSER), RLMLAB_OWNER_DATABASE_URL=url(postgres.OWNER))
    assert done.returncode == 1
    assert "(rlmlab.E002)" in done.stderr
    assert done.stdout == ""
