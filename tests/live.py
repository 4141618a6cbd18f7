"""Real worker and web processes against the test database, for tests of what only processes can show.

They find the test's servers by RLMLAB_DATA_DIR; rows must be committed, so such tests use `transaction=True`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environment import DATA_DIR
from tests.fakes.model_server import ModelServer

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Process:
    """A child in a session of its own, with its log."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path

    def kill(self) -> None:
        """SIGKILL it with everything it started."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def terminate(self, seconds: float = 20.0) -> int:
        """SIGTERM it and wait; return its exit code."""
        self.popen.terminate()
        return self.popen.wait(seconds)

    def stop(self) -> None:
        """End it for good, whatever state it is in."""
        if self.popen.poll() is None:
            self.kill()

    def text(self) -> str:
        """What it logged."""
        return self.log.read_text(errors="replace")


def spawn(name: str, command: list[str], **environ: str) -> Process:
    """Start a child of this test session."""
    log = DATA_DIR / f"{name}-{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        popen = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ | environ,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(name, popen, log)


def wait_until(condition: Callable[[], bool], seconds: float = 20.0, what: str = "") -> float:
    """Wait for a condition; return how long it took."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.02)
    return time.monotonic() - started


@contextmanager
def worker(*, beat: bool = False, **environ: str) -> Iterator[Process]:
    """Run a real Celery worker until the block ends; it is ready when the block begins."""
    name = f"test-{time.monotonic_ns()}"
    command = ["-m", "celery", "-A", "rlmlab.celery", "worker", "-P", "threads", "--loglevel", "INFO"]
    command += ["--without-gossip", "--without-mingle", "-n", f"{name}@%h", *(["-B"] if beat else [])]
    process = spawn("worker", command, **environ)
    try:
        wait_until(lambda: " ready." in process.text() or process.popen.poll() is not None, 60, "the worker")
        assert process.popen.poll() is None, process.text()
        yield process
    finally:
        process.stop()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Web:
    """A running web process."""

    process: Process
    url: str

    @property
    def websocket_url(self) -> str:
        """The same address for WebSockets."""
        return self.url.replace("http:", "ws:")


@contextmanager
def web(**environ: str) -> Iterator[Web]:
    """Run a real Daphne until the block ends; it answers when the block begins."""
    port = free_port()
    command = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "rlmlab.asgi:application"]
    process = spawn("web", command, RLMLAB_PORT=str(port), **environ)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{url}/healthz") or process.popen.poll() is not None, 60, "the web process")
        assert process.popen.poll() is None, process.text()
        yield Web(process, url)
    finally:
        process.stop()


def answers(url: str) -> bool:
    """Tell whether a GET answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own http address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """A scripted OpenAI-compatible server; models `openai/<name>` of the live processes go there."""
    with ModelServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_BASE", server.base_url)
        patch.setenv("OPENAI_API_KEY", "sk-tests")
        yield server


@pytest.fixture
def live_worker(transactional_db: None, model_server: ModelServer) -> Iterator[Process]:
    """A worker of this test's own, without beat; it may be killed."""
    with worker() as process:
        yield process


@pytest.fixture(scope="session")
def live_web(django_db_setup: None, model_server: ModelServer) -> Iterator[Web]:
    """One web process for the whole session."""
    with web() as process:
        yield process
