"""Paths follow from the data directory alone, and stay within what sockets and accounts can reach."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from rlmlab.embedded.errors import StartError
from rlmlab.embedded.places import (
    FALLBACK_ROOT,
    Account,
    make_folder,
    name_installation,
    package_folder,
    places,
    reachable_copy,
)
from rlmlab.embedded.secrets import ensure_secret, read_secret

ME = Account(os.geteuid(), os.getegid(), "me", switch=False)


def test_places_are_the_same_for_every_command(tmp_path: Path) -> None:
    assert places(tmp_path) == places(tmp_path)
    assert places(tmp_path).logs == tmp_path / "logs"


def test_a_long_data_directory_gets_its_sockets_in_tmp(tmp_path: Path) -> None:
    where = places(tmp_path / ("x" * 120))
    assert len(str(where.sockets / ".s.PGSQL.5432")) < 107


def test_a_folder_of_sockets_in_tmp_goes_when_it_is_empty(tmp_path: Path) -> None:
    where = replace(places(tmp_path), sockets=tmp_path / "short")
    where.remove_short_sockets()
    where.sockets.mkdir()
    (where.sockets / "vk.sock").touch()
    where.remove_short_sockets()
    assert where.sockets.is_dir()
    (where.sockets / "vk.sock").unlink()
    where.remove_short_sockets()
    assert not where.sockets.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers under another account")
def test_servers_of_root_move_where_their_account_can_reach_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    where = places(tmp_path / "data")
    assert where.account.uid != 0
    assert where.servers.parent == FALLBACK_ROOT
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers under another account")
def test_a_data_directory_that_was_removed_and_made_again_gets_servers_of_its_own(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = []
    for _ in range(2):
        data_dir = tmp_path / "data"
        data_dir.mkdir()
        name_installation(data_dir)
        found.append(places(data_dir).servers)
        name_installation(data_dir)  # keeps the name that is there
        assert places(data_dir).servers == found[-1]
        (data_dir / "installation").unlink()
        data_dir.rmdir()
    assert found[0] != found[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers under another account")
def test_data_that_is_there_is_never_left_for_an_empty_place(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "data" / "servers" / "postgres").mkdir(parents=True)
    assert places(tmp_path / "data").servers == tmp_path / "data" / "servers"


def test_an_account_that_need_not_switch_reaches_everything() -> None:
    assert ME.can_reach(Path("/root"))


def test_reach_asks_for_execute_permission_on_every_folder(tmp_path: Path) -> None:
    stranger = Account(64000, 64000, "stranger", switch=True)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        folder.chmod(0o711)
    assert Account(os.geteuid(), 64000, "owner", switch=True).can_reach(inner)
    inner.parent.chmod(0o700)
    assert not stranger.can_reach(inner)


def test_make_folder_refuses_a_link_and_names_the_setting_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(StartError, match="belongs to another user"):
        make_folder(tmp_path / "link", ME)
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="RLMLAB_DATA_DIR"):
        make_folder(tmp_path / "file" / "below", ME)


def test_a_missing_package_says_what_to_run() -> None:
    with pytest.raises(StartError, match=r"Python package no-such-package is missing\. Run `make setup`"):
        package_folder("no_such_package")


def test_an_unreachable_package_is_copied_once_with_its_libraries(tmp_path: Path) -> None:
    package = tmp_path / "site" / "tool"
    (package / "bin").mkdir(parents=True)
    (package / "bin" / "server").write_text("binary")
    (package / "bin" / "server").chmod(0o700)
    libraries = tmp_path / "site" / "tool.libs"
    libraries.mkdir()
    (libraries / "lib.so").write_text("library")
    (tmp_path / "site").chmod(0o700)
    where = replace(places(tmp_path), servers=tmp_path / "servers", account=Account(64000, 64000, "x", switch=True))
    copy = reachable_copy(package, where)
    assert copy == tmp_path / "servers" / "packages" / "tool"
    assert (copy / "bin" / "server").stat().st_mode & 0o777 == 0o755
    assert (copy.with_name("tool.libs") / "lib.so").read_text() == "library"
    first = (copy / "bin" / "server").stat().st_mtime_ns
    assert reachable_copy(package, where) == copy
    assert (copy / "bin" / "server").stat().st_mtime_ns == first


def test_a_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    where = places(tmp_path)
    assert read_secret(where, "key") is None
    made = ensure_secret(where, "key")
    assert len(made) >= 43
    assert ensure_secret(where, "key") == made == read_secret(where, "key")
    assert (where.secrets / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in where.secrets.iterdir()] == ["key"]


@pytest.mark.parametrize("damage", [b"", b"\xff\x00\xe1"])
def test_a_secret_that_a_crash_left_damaged_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    where = places(tmp_path)
    ensure_secret(where, "key")
    (where.secrets / "key").write_bytes(damage)
    assert read_secret(where, "key") is None
    made = ensure_secret(where, "key")
    assert len(made) >= 43
    assert read_secret(where, "key") == made
