"""What is told about the machine."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rlmlab.management.doctor import machine
from rlmlab.management.doctor.findings import Finding


def finding(findings: Sequence[Finding], name: str) -> Finding:
    return next(found for found in findings if found.name == name)


def test_this_machine_has_what_the_tests_run_on() -> None:
    found = machine.look()
    assert [each.name for each in found] == [
        "Python", "system", "user namespaces", "Landlock", "seccomp", "data directory", "open files",
    ]  # fmt: skip
    assert finding(found, "Python").state == finding(found, "seccomp").state == "ok"
    assert finding(found, "system").detail.startswith("Linux ")


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10), "missing"), ((3, 11), "ok"), ((3, 14), "ok"), ((3, 15), "missing")]
)
def test_python_must_be_one_that_the_package_takes(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], state: str
) -> None:
    monkeypatch.setattr(machine.sys, "version_info", version)
    assert (machine.python().state, machine.python().needed) == (state, True)


def test_another_system_than_linux_confines_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.platform, "system", lambda: "Darwin")
    assert machine.system().prevents_runs


def test_walls_that_the_kernel_does_not_grant_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.kernel, "refused_namespaces", lambda: "Operation not permitted")
    monkeypatch.setattr(machine.kernel, "landlock_version", lambda: 0)
    monkeypatch.setattr(machine.kernel, "refused_filter", lambda: "Invalid argument")
    assert machine.namespaces().state == machine.landlock().state == "warn"
    assert machine.namespaces().detail == "refused: Operation not permitted"
    assert "unprivileged_userns" in machine.namespaces().remedy
    assert "landlock in the boot parameter lsm=" in machine.landlock().remedy
    assert machine.seccomp().prevents_runs


def test_space_is_measured_where_the_data_will_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "not" / "made" / "yet"
    found = []
    for free in (10 << 30, 2 << 30, 100 << 20):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda path, usage=usage: usage if path == tmp_path else None)
        found.append(machine.disk(folder))
    assert [each.state for each in found] == ["ok", "warn", "missing"]
    assert [each.prevents_runs for each in found] == [False, False, True]
    assert found[0].detail == f"10.0 GB free in {folder}"
    assert not folder.exists()


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "access", lambda *_: False)
    found = machine.disk(tmp_path)
    assert found.prevents_runs
    assert found.remedy == "Set RLMLAB_DATA_DIR to a folder that you can write."


def test_few_open_files_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (1024, 1 << 20))
    assert machine.open_files().state == "warn"
    assert machine.open_files().detail.startswith("1,024 at most")
