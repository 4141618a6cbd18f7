"""The machine: Python, kernel, and what a jail needs of it."""

import os
import platform
import resource
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from django.conf import settings

from rlmlab.embedded.up import LEAST_FREE_BYTES
from rlmlab.management.doctor.findings import Finding, graded
from sandbox import kernel

PYTHONS: Final = ((3, 11), (3, 15))
"""The first version that will do, and the first that will not."""
AMPLE_BYTES: Final = 5 << 30
AMPLE_FILES: Final = 4096


def look() -> Sequence[Finding]:
    """Look at what does not change while the installation runs."""
    return [python(), system(), namespaces(), landlock(), seccomp(), disk(settings.RLMLAB.data_dir), open_files()]


def python() -> Finding:
    """Compare the running Python with what pyproject.toml asks for."""
    first, beyond = (".".join(map(str, version)) for version in PYTHONS)
    fits = PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]
    return graded(
        "Python",
        "" if fits else f"{platform.python_version()} is not between {first} and {beyond}",
        detail=platform.python_version(),
        remedy=f"Install Python {first} or later, remove .venv and run `make setup`.",
        needed=True,
    )


def system() -> Finding:
    """Say on what this runs."""
    found = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return graded(
        "system",
        "" if platform.system() == "Linux" else f"{found}: only Linux confines the code of runs",
        detail=f"{found}, {' '.join(platform.libc_ver()) or 'another libc than glibc'}",
        remedy="Run RLM Lab on Linux, for example in a virtual machine.",
        needed=True,
    )


def namespaces() -> Finding:
    """Try to leave the host's namespaces."""
    reason = kernel.refused_namespaces()
    return graded(
        "user namespaces",
        f"refused: {reason}" if reason else "",
        detail="granted",
        remedy="sysctl kernel.apparmor_restrict_unprivileged_userns=0 kernel.unprivileged_userns_clone=1 (whichever "
        "exists); in Docker a seccomp profile that allows unshare.",
        worst="warn",
    )


def landlock() -> Finding:
    """Ask for the version of Landlock."""
    version = kernel.landlock_version()
    return graded(
        "Landlock",
        "" if version else "not in this kernel",
        detail=f"interface {version}",
        remedy="Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK, and landlock in the boot parameter lsm=.",
        worst="warn",
    )


def seccomp() -> Finding:
    """Ask whether the filter of system calls can be had."""
    reason = kernel.refused_filter()
    return graded(
        "seccomp",
        f"refused: {reason}" if reason else "",
        detail="granted",
        remedy="Linux with CONFIG_SECCOMP_FILTER on x86-64 or arm64.",
        needed=True,
    )


def disk(data_dir: Path) -> Finding:
    """Measure the space left for data; the folder itself need not be there yet."""
    folder = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        remedy = "Set RLMLAB_DATA_DIR to a folder that you can write."
        return Finding("data directory", "missing", f"{data_dir} cannot be written", remedy, needed=True)
    return Finding(
        "data directory",
        "ok" if free >= AMPLE_BYTES else "warn" if free >= LEAST_FREE_BYTES else "missing",
        f"{free / (1 << 30):,.1f} GB free in {data_dir}",
        "" if free >= AMPLE_BYTES else "Free some space, or set RLMLAB_DATA_DIR to another disk.",
        needed=True,
    )


def open_files() -> Finding:
    """Read the limit on open files; a session takes two, a run up to sixteen sessions."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return graded(
        "open files",
        "" if soft >= AMPLE_FILES else f"{soft:,} at most, few for many runs at once",
        detail=f"{soft:,} at most",
        remedy=f"ulimit -n {AMPLE_FILES} before the start, or LimitNOFILE={AMPLE_FILES} in a systemd unit.",
        worst="warn",
    )
