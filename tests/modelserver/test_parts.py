"""The model server's parts, without a model."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rlmlab.modelserver.__main__ import parse
from rlmlab.modelserver.address import Address, folder_of
from rlmlab.modelserver.locks import FileLock
from rlmlab.modelserver.server import ServerOptions
from rlmlab.modelserver.watch import Watch, progress_of

IDLE = [{"id": 0, "is_processing": False, "id_task": 3}]


def working(decoded: int) -> list[dict[str, object]]:
    return [{"id": 0, "is_processing": True, "id_task": 4, "next_token": [{"n_decoded": decoded}]}]


def test_address_is_readable_by_its_owner_only(tmp_path: Path):
    folder = folder_of(tmp_path)
    folder.prepare()
    address = Address(12, "http://127.0.0.1:5", "key")
    folder.write_address(address)
    assert folder.read_address() == address
    assert stat.S_IMODE(folder.address_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    folder.forget_address()
    folder.forget_address()
    assert folder.read_address() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "url": "u", "api_key": "k", "more": 1}'])
def test_broken_address_is_none(tmp_path: Path, text: str):
    folder = folder_of(tmp_path)
    folder.prepare()
    folder.address_file.write_text(text)
    assert folder.read_address() is None


def test_lock_is_held_once_and_given_back(tmp_path: Path):
    lock = FileLock.take(tmp_path / "lock")
    assert lock is not None
    assert FileLock.take(tmp_path / "lock") is None
    lock.release()
    again = FileLock.take(tmp_path / "lock")
    assert again is not None
    again.release()


def test_progress_changes_while_a_slot_works():
    assert progress_of(IDLE)[0] is False
    assert progress_of(working(1))[0] is True
    assert progress_of(working(1)) != progress_of(working(2))
    assert progress_of([]) == (False, "[]")


def test_watch_ends_after_idle_seconds():
    watch = Watch(idle_seconds=10, hung_seconds=5, now=0)
    assert watch.observe(*progress_of(IDLE), 1) is None
    assert watch.observe(*progress_of(IDLE), 10) is None
    assert watch.observe(*progress_of(IDLE), 11) == "idle"


def test_watch_counts_work_between_two_observations():
    watch = Watch(idle_seconds=10, hung_seconds=5, now=0)
    watch.observe(*progress_of(IDLE), 9)
    assert watch.observe(False, progress_of([{"id_task": 4}])[1], 18) is None
    assert watch.observe(False, progress_of([{"id_task": 4}])[1], 28) == "idle"


def test_watch_ends_work_without_progress():
    watch = Watch(idle_seconds=10, hung_seconds=5, now=0)
    for second in range(1, 20):
        assert watch.observe(*progress_of(working(second)), second) is None
    assert watch.observe(*progress_of(working(19)), 23) is None
    assert watch.observe(*progress_of(working(19)), 24) == "hung"


def test_command_line_is_read(tmp_path: Path):
    arguments = ["--data-dir", str(tmp_path), "--threads", "2", "--idle-seconds", "7", "--parent", "9"]
    assert parse(arguments) == ServerOptions(tmp_path, 2, 7.0, 120.0, 9)


@pytest.mark.parametrize("parent_lives", [True, False])
def test_child_ends_with_its_parent(parent_lives: bool):
    """The end of standard input tells, and a parent that is gone already is noticed at once."""
    parent = os.getpid() if parent_lives else 1
    code = (
        "import threading; from rlmlab.modelserver.parent import die_with_parent\n"
        "gone = threading.Event()\n"
        f"print(die_with_parent({parent}, gone.set), flush=True)\n"
        f"print(gone.wait(10) if {parent_lives} else 'no wait', flush=True)"
    )
    child = subprocess.run([sys.executable, "-c", code], input="", capture_output=True, text=True, check=True)
    assert child.stdout.split("\n")[:2] == (["True", "True"] if parent_lives else ["False", "no wait"])
