"""Brokers of a test's own, which it may kill and start again: RabbitMQ where it is installed, and Valkey."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kombu import Connection

from rlmlab.embedded import valkey
from rlmlab.embedded.places import Places
from tests.live import free_port, wait_until
from trajectories.readiness import BROKER_ERRORS

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one on the PATH changes its user first
STARTING_SECONDS = 60.0


class Broker:
    """A server in a session of its own, with its data in a folder."""

    def __init__(self, url: str, command: list[str], environ: dict[str, str], log: Path) -> None:
        self.url = url
        self._command = command
        self._environ = environ
        self._log = log
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it takes connections when this returns."""
        with self._log.open("ab") as file:
            self._popen = subprocess.Popen(
                self._command,
                env=os.environ | self._environ,
                cwd=self._log.parent,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self.answers, STARTING_SECONDS, self._log.read_text(errors="replace"))

    def kill(self) -> None:
        """SIGKILL it with everything it started."""
        if self._popen is not None:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
            self._popen = None

    def answers(self) -> bool:
        """Tell whether a connection can be made."""
        try:
            with Connection(self.url, connect_timeout=2) as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
        except BROKER_ERRORS:
            return False
        return True


def _rabbitmq(folder: Path) -> Broker:
    """RabbitMQ and its port mapper on ports of their own; what it needs to know of users it makes itself."""
    if not RABBITMQ.exists():
        pytest.skip("RabbitMQ is not installed: apt-get install rabbitmq-server")
    port, mapper, nodes = free_port(), free_port(), free_port()
    (folder / "plugins").write_text("[].\n")
    for name in ("environment", "rabbitmq.conf"):
        (folder / name).touch()
    environ = {
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_NODENAME": "tests@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(nodes),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
    }
    # started here and in the foreground, the port mapper ends with the rest and does not stay as a daemon
    command = ["sh", "-c", f'epmd -address 127.0.0.1 -port {mapper} & exec "{RABBITMQ}"']
    return Broker(f"amqp://guest:guest@127.0.0.1:{port}//", command, environ, folder / "rabbitmq.log")


def _valkey(folder: Path, servers: Places) -> Broker:
    port = free_port()
    binary = valkey.prepare(servers).command[0]
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes"]
    return Broker(f"redis://127.0.0.1:{port}/0", command, {}, folder / "valkey.log")


@contextmanager
def running(kind: str, folder: Path, servers: Places) -> Iterator[Broker]:
    """Run a broker, `rabbitmq` or `valkey`, until the block ends."""
    broker = _rabbitmq(folder) if kind == "rabbitmq" else _valkey(folder, servers)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)
