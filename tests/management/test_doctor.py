"""`manage.py doctor`, with everything there and with nothing."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.live import ROOT, Process

SECRET = "sk-very-secret-value"
PASSWORD = "hunter2-of-the-database"


def run_doctor(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", "doctor", *words],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_with_servers_stopped_it_says_so_and_does_not_hang(tmp_path: Path) -> None:
    started = time.monotonic()
    done = run_doctor(RLMLAB_DATA_DIR=str(tmp_path / "data"))
    assert time.monotonic() - started < 30  # of which most is the start of Python under load
    assert (done.returncode, done.stderr) == (1, "")
    assert "\n  ✗ missing  PostgreSQL       not reachable at " in done.stdout
    assert f"their logs are in {tmp_path / 'data' / 'logs'}." in done.stdout
    assert done.stdout.endswith("Runs cannot be executed: PostgreSQL, Valkey or Redis, worker.\n")
    assert not (tmp_path / "data").exists()


def test_it_never_prints_a_secret() -> None:
    nowhere = f"postgresql://lab:{PASSWORD}@127.0.0.1:1/lab"
    secrets = {"OPENAI_API_KEY": SECRET, "ANTHROPIC_API_KEY": SECRET, "RLMLAB_SECRET_KEY": SECRET}
    done = run_doctor(
        "--json",
        DATABASE_URL=nowhere,
        RLMLAB_OWNER_DATABASE_URL=nowhere,
        REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:1",
        RLMLAB_LOCAL_MODEL_URL=f"http://lab:{PASSWORD}@127.0.0.1:1/v1",
        **secrets,
    )
    assert done.returncode == 1
    assert SECRET not in done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    areas = json.loads(done.stdout)["areas"]
    named = next(item["detail"] for item in areas["Models"] if item["name"] == "providers")
    assert "anthropic (ANTHROPIC_API_KEY)" in named
    assert "openai (OPENAI_API_KEY)" in named
    database = areas["Database"][0]
    assert database["detail"].startswith("not reachable at 127.0.0.1:1/lab: Connection refused")
    assert database["remedy"] == "Start it, or set DATABASE_URL to another."


@pytest.mark.django_db(transaction=True)
def test_with_everything_there_runs_can_be_executed(live_worker: Process) -> None:
    out = io.StringIO()
    call_command("doctor", json=True, stdout=out)
    report = json.loads(out.getvalue())
    assert report["can_run"] is True
    states = {item["name"]: item["state"] for area in report["areas"].values() for item in area}
    assert {name for name, state in states.items() if state == "missing"} == set()
    assert {states[name] for name in ("PostgreSQL", "schema", "two roles", "worker", "restricted")} == {"ok"}
    text = io.StringIO()
    call_command("doctor", stdout=text, no_color=True)
    assert text.getvalue().endswith("\nRuns can be executed.\n")
