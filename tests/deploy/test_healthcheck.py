"""deploy/healthcheck.py, run as Docker runs it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from rlmlab.embedded.places import Places
from tests.deploy.composition import DEPLOY
from tests.live import free_port


def healthy(*words: str, **environ: str) -> bool:
    command = [sys.executable, str(DEPLOY / "healthcheck.py"), *words]
    done = subprocess.run(command, env=os.environ | environ, capture_output=True, timeout=30, check=False)
    return done.returncode == 0


class Application(BaseHTTPRequestHandler):
    """Answers /healthz, and sends everybody else, and who comes without TLS, away."""

    def do_GET(self) -> None:
        secure = self.headers["X-Forwarded-Proto"] == "https"
        self.send_response(200 if self.path == "/healthz" and secure else 301)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Application) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_web_that_demands_tls_of_others_is_well(port: int) -> None:
    assert healthy("web", str(port)) is True


def test_web_that_does_not_answer_is_not_well() -> None:
    assert healthy("web", str(free_port())) is False


def test_beat_is_well_while_it_writes(tmp_path: Path) -> None:
    schedule = tmp_path / "beat-schedule"
    assert healthy("beat", str(schedule)) is False
    written = schedule.with_suffix(".db")
    written.touch()
    assert healthy("beat", str(schedule)) is True
    long_ago = time.time() - 61
    os.utime(written, (long_ago, long_ago))
    assert healthy("beat", str(schedule)) is False


def test_worker_that_nobody_answers_for_is_not_well(servers: Places) -> None:
    broker = f"redis+socket://{servers.valkey_socket}?virtual_host=7"
    assert healthy("worker", REDIS_URL=broker) is False
