"""What is told about the programs of developers."""

from pathlib import Path

import pytest

from rlmlab.management.doctor import tools
from rlmlab.management.doctor.findings import Finding


def test_a_program_is_asked_for_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "SECONDS", 0.5)
    for name, line in {"node": "echo v1.2.3", "npm": "exit 3", "chromium": "exec /bin/sleep 20"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    found = tools.look()
    assert [each.state for each in found] == ["ok", "none", "none"]
    assert found[0].detail == "v1.2.3"
    assert found[2].detail == f"{tmp_path / 'chromium'} does not tell its version: TimeoutExpired"


def test_a_program_that_is_not_there_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.tool("node", "tests", "apt-get install nodejs") == Finding(
        "node", "none", "not installed; needed for tests", "apt-get install nodejs"
    )
