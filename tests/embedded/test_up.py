"""`manage.py up` as a newcomer runs it: everything starts, survives a dead child, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from rlmlab.embedded.places import places

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def processes_of(mark: str) -> list[str]:
    """Return the command lines of all processes whose environment names the data directory."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [line for line in found if line]


@dataclass
class Installation:
    """An installation in a folder of its own, driven as a person would."""

    data_dir: Path
    port: int
    process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("RLMLAB_")}
        return {
            **outside,
            "RLMLAB_DATA_DIR": str(self.data_dir),
            "RLMLAB_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }

    def up(self) -> None:
        with (self.data_dir / "terminal").open("w") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=terminal,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def terminal(self) -> str:
        return (self.data_dir / "terminal").read_text()

    def says(self, text: str, seconds: float = 90.0) -> None:
        wait_for(lambda: text in self.terminal(), seconds, f"{text!r} was not said: {self.terminal()}")

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, text=True, capture_output=True, check=False)

    def get(self, path: str, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10).raise_for_status().json()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("installation"), free_port())
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop(signal.SIGKILL)


def test_the_first_start_ends_with_a_demo_whose_answer_was_checked(installation: Installation) -> None:
    installation.up()
    installation.says("RLM Lab runs at", 120)
    assert "Sign in as admin@localhost with the password" in installation.terminal()
    installation.says("plain code says", 180)
    made = json.loads(installation.manage("bootstrap", "--json").stdout)
    assert made["password"] is None
    runs = installation.get(f"/api/v1/projects/{made['project']}/runs", made["api_key"])["items"]
    assert [run["model"] for run in runs] == ["local/gemma-3-270m"]
    run = installation.get(f"/api/v1/runs/{runs[0]['id']}", made["api_key"])
    assert run["status"] in {"succeeded", "failed"}
    verdict = "right" if "is right" in installation.terminal() else "WRONG"
    assert f"is {verdict}; plain code says" in installation.terminal()


def test_another_start_on_the_same_data_or_port_is_refused_in_one_line(installation: Installation) -> None:
    same_data = installation.manage("up")
    assert same_data.returncode == 1
    assert same_data.stderr.startswith(f"Error: RLM Lab already runs from {installation.data_dir} (process ")
    other = Installation(installation.data_dir / "other", installation.port)
    other.data_dir.mkdir()
    same_port = other.manage("up")
    assert same_port.returncode == 1
    assert same_port.stderr == (
        f"Error: Cannot listen on 127.0.0.1:{installation.port}: Address already in use. "
        "Stop what uses it, or set RLMLAB_PORT.\n"
    )


def test_a_dead_web_process_is_started_again(installation: Installation) -> None:
    assert installation.get("/healthz") == {"status": "ok"}
    pid = subprocess.run(
        ["pgrep", "-f", f"daphne.*{installation.port}"], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    os.kill(int(pid), signal.SIGKILL)
    installation.says("web ended with -9; starting it again")

    def answers() -> bool:
        try:
            return bool(installation.get("/healthz"))
        except httpx.HTTPError:
            return False

    wait_for(answers, 30, "the web process did not come back")


def test_a_signal_stops_everything_and_the_next_start_keeps_the_data(installation: Installation) -> None:
    assert installation.stop(signal.SIGINT) == 0
    assert installation.terminal().endswith("Stopped. Everything is kept for the next start.\n")
    wait_for(lambda: processes_of(str(installation.data_dir)) == [], 10, "processes were left behind")
    started = time.monotonic()
    installation.up()
    installation.says("RLM Lab runs at")
    print(f"second start: {time.monotonic() - started:.1f} s")
    assert "password" not in installation.terminal()
    made = json.loads(installation.manage("bootstrap", "--json").stdout)
    assert len(installation.get(f"/api/v1/projects/{made['project']}/runs", made["api_key"])["items"]) == 1


def test_a_killed_supervisor_takes_its_children_along(installation: Installation) -> None:
    installation.stop(signal.SIGKILL)
    wait_for(lambda: processes_of(str(installation.data_dir)) == [], 40, "children outlived their supervisor")


def test_damaged_data_ends_the_start_with_what_to_do(installation: Installation) -> None:
    version = places(installation.data_dir).cluster / "PG_VERSION"
    version.write_text("9\n")
    refused = installation.manage("up")
    assert refused.returncode == 1
    assert "was written by PostgreSQL 9, this is 18" in refused.stderr
    assert "restore a backup into it, or move it away" in refused.stderr
