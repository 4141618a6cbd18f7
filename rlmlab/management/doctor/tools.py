"""Programs that only developers need."""

import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from rlmlab.management.doctor.findings import SECONDS, Finding

TOOLS: Final = {
    "node": ("the tests of the scripts", "apt-get install nodejs"),
    "npm": ("bundling browser packages anew; `make setup` brings its own where there is none", "apt-get install npm"),
    "chromium": ("the tests in a browser", "apt-get install chromium"),
}


def look() -> Sequence[Finding]:
    """Look for each program on the PATH."""
    return [tool(name, *why) for name, why in TOOLS.items()]


def tool(name: str, purpose: str, remedy: str) -> Finding:
    """Ask a program for its version."""
    path = shutil.which(name)
    if path is None:
        return Finding(name, "none", f"not installed; needed for {purpose}", remedy)
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=SECONDS, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        return Finding(name, "none", f"{path} does not tell its version: {type(error).__name__}", remedy)
    return Finding(name, "ok", done.stdout.strip().splitlines()[0])
