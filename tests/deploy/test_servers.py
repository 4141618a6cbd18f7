"""The commands of deploy/compose.yaml as processes of this machine, on PostgreSQL and Redis of the operator's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest

from tests.deploy.composition import DEPLOY, command_of, environment_of
from tests.deploy.external import APPLICATION_PASSWORD, OWNER_PASSWORD, Servers, external_servers
from tests.fakes.model_server import ModelServer
from tests.guards.tree import ROOT
from tests.live import Process, free_port, spawn, wait_until

pytestmark = pytest.mark.slow

CONFINED: Final = [str(ROOT / "tests" / "deploy" / "confined.py"), sys.executable]
IN_CONTAINERS: Final = dict.fromkeys(
    (
        "POSTGRES_PASSWORD", "RLMLAB_OWNER_PASSWORD", "RLMLAB_APP_PASSWORD", "REDIS_PASSWORD", "RLMLAB_SECRET_KEY",
        "RLMLAB_ENCRYPTION_KEYS", "RLMLAB_ALLOWED_HOSTS",
    ),
    "unused",
)  # fmt: skip


@dataclass
class Installation:
    """Its servers, its settings, and the folder that stands for a container's file system."""

    servers: Servers
    folder: Path
    port: int
    key: str = ""

    @property
    def settings(self) -> dict[str, str]:
        """What every process finds in its environment."""
        return {
            **self.servers.settings,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RLMLAB_DATA_DIR": str(self.folder),
            "RLMLAB_SECRET_KEY": "servers-of-tests",
        }

    def of(self, service: str) -> dict[str, str]:
        """The environment of a service: only migrations know the owner."""
        known = self.settings
        if "RLMLAB_OWNER_DATABASE_URL" not in environment_of(service, IN_CONTAINERS):
            del known["RLMLAB_OWNER_DATABASE_URL"]
        return known

    def command(self, service: str, name: str = "") -> list[str]:
        """The service's command with this machine's port and paths."""
        here = {"8000": str(self.port), "/tmp/beat-schedule": str(self.folder / "beat"), "worker@%h": f"{name}@%h"}
        return [here.get(word, word) for word in command_of(service, IN_CONTAINERS)]

    def manage(self, *words: str) -> str:
        """Run a command of manage.py where the migrations run, and return what it printed."""
        command = [sys.executable, "manage.py", *words]
        return self.finished(command)

    def finished(self, command: list[str]) -> str:
        """Run a command with the settings of the migrations until it ends well; return what it printed."""
        environ = os.environ | self.of("migrate")
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def running(self, service: str, name: str) -> Iterator[Process]:
        """Run a service under the containers' profile of system calls until the block ends."""
        words = self.command(service, name)
        program = words[1:] if words[0] == "python" else ["-m", *words]
        process = spawn(name, [*CONFINED, *program], **self.of(service))
        try:
            yield process
        finally:
            process.stop()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the API."""
        address = f"http://127.0.0.1:{self.port}{path}"
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.request(method, address, json=body, headers=headers, timeout=10).raise_for_status().json()

    def ready(self) -> bool:
        try:
            return bool(self.call("GET", "/readyz")["status"] == "ready")
        except httpx.HTTPError:
            return False

    def start_run(self, model: str) -> str:
        body = {"task": "How long is it?", "context": "x" * 100, "model": model}
        return str(self.call("POST", "/api/v1/projects/demo/runs", body)["id"])

    def run(self, run_id: str) -> Any:
        return self.call("GET", f"/api/v1/runs/{run_id}")

    def ended(self, run_id: str) -> bool:
        return self.run(run_id)["status"] not in {"queued", "running"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, model_server: ModelServer) -> Iterator[Installation]:
    with external_servers(tmp_path_factory.mktemp("external")) as servers:
        servers.make_roles()
        made = Installation(servers, tmp_path_factory.mktemp("containers"), free_port())
        made.finished(made.command("migrate"))
        made.manage("collectstatic", "--no-input", "--verbosity", "0")
        made.key = json.loads(made.manage("bootstrap", "--json"))["api_key"]
        yield made


@pytest.fixture(scope="module")
def started(installation: Installation) -> Iterator[Installation]:
    """Web and beat."""
    with installation.running("web", "web"), installation.running("beat", "beat") as beat:
        yield installation
        assert beat.popen.poll() is None, beat.text()


def test_the_script_makes_an_owner_and_a_role_that_row_level_security_binds(installation: Installation) -> None:
    with psycopg.connect(installation.servers.url("rlmlab_owner", OWNER_PASSWORD)) as connection:
        roles = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles"
            " WHERE rolname LIKE 'rlmlab%' ORDER BY rolname"
        ).fetchall()
        owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert roles == [("rlmlab_app", False, False, False, False), ("rlmlab_owner", False, False, False, False)]
    assert owners == [("rlmlab_owner",)]
    with psycopg.connect(installation.servers.url("rlmlab_app", APPLICATION_PASSWORD)) as connection:
        assert connection.execute("SELECT count(*) FROM tenancy_project").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine ()")


def test_a_run_goes_through_processes_of_their_own(started: Installation) -> None:
    with started.running("worker", "only") as worker:
        wait_until(started.ready, 60, worker.text())
        run_id = started.start_run("openai/length")
        wait_until(lambda: started.ended(run_id), 30, worker.text())
    run = started.run(run_id)
    assert (run["status"], run["finish_reason"], run["answer"]) == ("succeeded", "submitted", "100")
    page = httpx.get(f"http://127.0.0.1:{started.port}/accounts/login/", timeout=10)
    assert page.status_code == 200
    assert "/static/css/" in page.text


def test_beat_finds_the_run_of_a_dead_worker_for_one_that_lives(
    started: Installation, model_server: ModelServer
) -> None:
    model_server.reset()
    with started.running("worker", "doomed") as doomed:
        run_id = started.start_run("openai/hang")
        wait_until(lambda: any(call.model == "hang" for call in model_server.calls), 60, doomed.text())
        with started.running("worker", "heir") as heir:
            wait_until(lambda: " ready." in heir.text(), 60, heir.text())  # its own look at the start is over
            assert started.run(run_id)["status"] == "running"
            doomed.kill()
            wait_until(lambda: sum(call.model == "hang" for call in model_server.calls) == 2, 20, heir.text())
            model_server.release()
            wait_until(lambda: started.ended(run_id), 20, heir.text())
    assert started.run(run_id)["status"] == "succeeded"


def test_the_processes_are_well_by_their_own_health_checks(started: Installation) -> None:
    check = [sys.executable, str(DEPLOY / "healthcheck.py")]
    with started.running("worker", "worker") as worker:
        wait_until(lambda: " ready." in worker.text(), 60, worker.text())
        started.finished([*check, "worker"])
    started.finished([*check, "web", str(started.port)])
    started.finished([*check, "beat", str(started.folder / "beat")])
