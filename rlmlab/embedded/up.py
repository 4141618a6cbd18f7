"""`manage.py up`: the whole installation in one terminal. Imports no Django, so that the supervisor stays small."""

import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlmlab.embedded import postgres, valkey
from rlmlab.embedded.child import Child
from rlmlab.embedded.errors import StartError
from rlmlab.embedded.places import Places, name_installation, places
from rlmlab.embedded.secrets import ensure_secret
from rlmlab.embedded.supervisor import Stopped, Supervisor
from rlmlab.env import BadEnvironment, Environment, read_environment

ROOT = Path(__file__).resolve().parents[2]
LEAST_FREE_BYTES = 400 << 20


class Progress:
    """One line a step, with how long it took."""

    def say(self, text: str) -> None:
        """Print a line at once."""
        print(text, flush=True)  # noqa: T201 - this is the command's output

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Print the step, then its time."""
        started = time.monotonic()
        print(f"  {text} … ", end="", flush=True)  # noqa: T201
        try:
            yield
        except BaseException:
            self.say("")
            raise
        self.say(f"{time.monotonic() - started:.1f} s")


@contextmanager
def only_one(where: Places, env: Environment) -> Iterator[None]:
    """Hold the data directory's lock, so that two installations never share one.

    Raises:
        StartError: another `up` holds it, or the folder cannot be written.
    """
    try:
        where.logs.mkdir(parents=True, exist_ok=True)
        lock = (where.data_dir / "up.lock").open("a+")
    except OSError as error:
        raise StartError(
            f"Cannot write to {where.data_dir}: {error.strerror}. Set RLMLAB_DATA_DIR to a folder that you can write."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            running = lock.read().strip() or "another process"
            raise StartError(
                f"RLM Lab already runs from {env.data_dir} ({running}). "
                "Stop it, or set RLMLAB_DATA_DIR and RLMLAB_PORT."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, http://{env.host}:{env.port}/")
        lock.flush()
        yield


def check_port(env: Environment) -> None:
    """Refuse to start on a port that is taken.

    Raises:
        StartError: saying which, and what to do.
    """
    family = socket.AF_INET6 if ":" in env.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((env.host, env.port))
        except OSError as error:
            advice = "Stop what uses it, or set RLMLAB_PORT."
            if error.errno != errno.EADDRINUSE:
                advice = "Set RLMLAB_HOST and RLMLAB_PORT to an address of this machine and a port that you may use."
            raise StartError(f"Cannot listen on {env.host}:{env.port}: {error.strerror}. {advice}") from None


def check_disk(where: Places) -> None:
    """Refuse to start where PostgreSQL would soon run out of space.

    Raises:
        StartError: saying how much is free and how much is needed.
    """
    free = shutil.disk_usage(where.data_dir).free
    if free < LEAST_FREE_BYTES:
        raise StartError(
            f"Only {free >> 20} MB are free in {where.data_dir}, {LEAST_FREE_BYTES >> 20} MB are needed. "
            "Free some, or set RLMLAB_DATA_DIR to another disk."
        )


def start_servers(supervisor: Supervisor, where: Places, env: Environment, progress: Progress) -> None:
    """Start the embedded PostgreSQL and Valkey, each unless its URL names another server."""
    if env.database_url is None:
        with progress.step("PostgreSQL"):
            hint = f"If its data is damaged, restore a backup into {where.cluster}, or move it away to start afresh."
            supervisor.start(postgres.prepare(where), lambda: postgres.is_ready(where), hint=hint)
            postgres.provision(where)
    if env.redis_url is None:
        with progress.step("Valkey"):
            hint = f"If {where.valkey_data} is damaged, move it away: it holds only messages in flight."
            supervisor.start(valkey.prepare(where), lambda: valkey.is_ready(where), hint=hint)


def prepare_application(progress: Progress) -> dict[str, str]:
    """Migrate, collect static files and bootstrap, in one process that ends; return what bootstrap printed."""
    with progress.step("Database schema and static files"):
        command = [sys.executable, str(ROOT / "manage.py"), "prepare"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StartError(f"The application could not be prepared: {' / '.join(done.stderr.strip().splitlines()[-3:])}")
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def web_child(where: Places, env: Environment) -> Child:
    """Return Daphne's child."""
    command = [
        sys.executable, "-m", "daphne", "-b", env.host, "-p", str(env.port), "--application-close-timeout", "5",
        "--verbosity", "1", "rlmlab.asgi:application",
    ]  # fmt: skip
    return Child("web", command, where.logs / "web.log", cwd=ROOT, stop_seconds=5.0)


def worker_child(where: Places, env: Environment) -> Child:
    """Return the worker's child; beat runs inside it, since this machine has one."""
    command = [
        sys.executable, "-m", "celery", "-A", "rlmlab.celery", "worker", "-B", "-P", "threads",
        "--loglevel", env.log_level, "--without-gossip", "--without-mingle",
        "-n", f"worker-{os.getpid()}@%h",
    ]  # fmt: skip
    return Child("worker", command, where.logs / "worker.log", cwd=ROOT, stop_seconds=15.0, stop_signal=signal.SIGTERM)


def start_processes(supervisor: Supervisor, where: Places, env: Environment) -> None:
    """Start worker and web, both at once since each takes seconds to import, and wait until the web finds both."""
    worker = worker_child(where, env)
    supervisor.start(
        worker,
        lambda: True,  # /readyz tells, below
        on_death=lambda: supervisor.run_errand(command_child(where, "expire_leases")),
    )

    def ready() -> bool:
        if worker.exit_code is not None:
            raise StartError(f"worker ended at once: {worker.log_tail()}. Its log: {worker.log}")
        return answers(f"{url_of(env)}readyz")

    check_port(env)  # again: another program may have taken it while the schema was made, and would answer for ours
    supervisor.start(web_child(where, env), ready, seconds=120)


def url_of(env: Environment) -> str:
    """Return the address to open in a browser."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(env.host, env.host)  # noqa: S104 - shown, not bound
    return f"http://{host}:{env.port}/"


def answers(url: str) -> bool:
    """Tell whether a GET answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=3) as response:  # noqa: S310 - our own http URL
            return bool(response.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def command_child(where: Places, *words: str) -> Child:
    """Return the child of a `manage.py` command that ends by itself."""
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    return Child(words[0], command, where.logs / f"{words[0]}.log", cwd=ROOT, stop_seconds=2.0)


def sign_in(account: dict[str, str]) -> str:
    """Return the line that shows the password that the first start made."""
    if not account.get("password"):
        return ""
    return f"  Sign in as {account['email']} with the password {account['password']} (shown only now)."


def greet(progress: Progress, env: Environment, account: dict[str, str]) -> None:
    """Say where it runs and how to sign in."""
    progress.say("")
    progress.say(f"RLM Lab runs at {url_of(env)}")
    if account:
        progress.say(sign_in(account))
    progress.say(f"  Data and logs: {env.data_dir}. Ctrl-C stops everything.")


def run(env: Environment, progress: Progress) -> None:
    """Start everything, watch it until a signal comes, stop everything."""
    with only_one(places(env.data_dir), env):
        name_installation(env.data_dir)
        where = places(env.data_dir)
        check_port(env)
        check_disk(where)
        supervisor = Supervisor(progress.say)
        supervisor.catch_signals()
        try:
            ensure_secret(where, "django")
            progress.say("Starting RLM Lab")
            start_servers(supervisor, where, env, progress)
            account = prepare_application(progress)
            try:
                with progress.step("Web and worker"):
                    start_processes(supervisor, where, env)
            except BaseException:
                progress.say(sign_in(account))  # nobody would ever see the password otherwise
                raise
            greet(progress, env, account)
            if account:
                progress.say("  The demo asks a small local model its first question; that may take a minute.")
            supervisor.run_errand(command_child(where, "demo", "--once"))
            supervisor.watch()
        except Stopped:
            progress.say("\nStopping …")
        finally:
            supervisor.stop()
            where.remove_short_sockets()
        progress.say("Stopped. Everything is kept for the next start.")


def main() -> int:
    """Run and return the exit code."""
    progress = Progress()
    try:
        run(read_environment(), progress)
    except (BadEnvironment, StartError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    except OSError as error:  # a disk that filled up or a folder that was locked meanwhile
        sys.stderr.write(f"Error: {error.strerror}: {error.filename}. Mend that, and start again.\n")
        return 1
    return 0
