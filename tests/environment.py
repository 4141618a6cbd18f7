"""The settings of a test session, made before Django reads them: a data directory of its own, short leases.

Loaded by `-p tests.environment`, since pytest-django reads the settings before any conftest.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from rlmlab.embedded import postgres
from rlmlab.embedded.places import places
from rlmlab.embedded.secrets import ensure_secret

OUTSIDE = ("DATABASE_URL", "REDIS_URL", "OPENAI_API_KEY", "OPENAI_API_BASE", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY")


def _prepare() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="rlmlab-test-"))
    folder.chmod(0o711)  # the servers' account must reach its own folders below
    (folder / "static").mkdir()  # WhiteNoise warns where there is none
    atexit.register(_remove, folder, os.getpid())
    for name in [name for name in os.environ if name.startswith("RLMLAB_") or name in OUTSIDE]:
        del os.environ[name]
    os.environ |= {
        "RLMLAB_DATA_DIR": str(folder),
        "RLMLAB_SECRET_KEY": "tests-only",
        "RLMLAB_LEASE_SECONDS": "2",
        "RLMLAB_HEARTBEAT_SECONDS": "0.5",
        "RLMLAB_SWEEP_SECONDS": "1",
        "RLMLAB_LOG_LEVEL": "WARNING",
    }
    where = places(folder)
    for role in (postgres.OWNER, postgres.APPLICATION, postgres.SUPERUSER):
        ensure_secret(where, role)
    return folder


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


DATA_DIR = _prepare()
