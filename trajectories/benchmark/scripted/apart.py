"""An installation of its own for an engine test, in a folder that goes when the test is over.

Faults are made on purpose and guests are killed there, and nobody's runs, workers or data are near.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rlmlab.embedded import postgres, valkey
from rlmlab.embedded.errors import StartError
from rlmlab.embedded.places import name_installation, places
from rlmlab.embedded.secrets import ensure_secret
from rlmlab.embedded.supervisor import Supervisor
from rlmlab.embedded.up import ROOT

OUTSIDE: Final = ("DATABASE_URL", "REDIS_URL", "RLMLAB_OWNER_DATABASE_URL", "RLMLAB_MODEL_PRICES", "RLMLAB_SECRET_KEY")
LEASE: Final = {"RLMLAB_LEASE_SECONDS": "4", "RLMLAB_HEARTBEAT_SECONDS": "1", "RLMLAB_SWEEP_SECONDS": "1"}


def run_apart(words: Sequence[str], *, organization: str, project: str, say: Callable[[str], None]) -> int:
    """Run a `manage.py` command in an installation of its own and return its exit code; Ctrl-C is the command's.

    Raises:
        StartError: the installation cannot be made.
    """
    say("Making an installation for this test …")
    with _installation(say) as environ:
        _prepare(["migrate", "--verbosity=0"], environ)
        _prepare(["bootstrap", f"--organization={organization}", f"--project={project}"], environ)
        process = subprocess.Popen(_command(words), env=environ, cwd=ROOT)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it has the same terminal
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _installation(say: Callable[[str], None]) -> Iterator[dict[str, str]]:
    """Run the two servers over an empty folder; yield the environment of a process that uses them."""
    with tempfile.TemporaryDirectory(prefix="rlmlab-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the servers' account has to reach its own folders below
        name_installation(folder)
        where = places(folder)
        where.logs.mkdir()
        ensure_secret(where, "django")
        supervisor = Supervisor(say)
        try:
            supervisor.start(postgres.prepare(where), lambda: postgres.is_ready(where))
            postgres.provision(where)
            supervisor.start(valkey.prepare(where), lambda: valkey.is_ready(where))
            yield apart(os.environ, folder)
        finally:
            supervisor.stop()
            where.remove_short_sockets()


def apart(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return an environment that leads to the installation in a folder, and to no other server."""
    kept = {name: value for name, value in environ.items() if name not in OUTSIDE}
    return kept | LEASE | {"RLMLAB_DATA_DIR": str(folder)}


def _prepare(words: Sequence[str], environ: Mapping[str, str]) -> None:
    done = subprocess.run(_command(words), env=dict(environ), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartError(f"manage.py {words[0]} failed: {' / '.join(done.stderr.strip().splitlines()[-3:])}")


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *words]
