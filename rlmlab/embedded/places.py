"""Where the embedded servers keep data, sockets and binaries, and under which account they run.

PostgreSQL refuses to run as root, so for root it runs as an unprivileged system account that owns its own folders only.
Nobody's permissions on parent folders are changed: where such an account cannot reach the data directory, the cluster
and copies of the binaries live under /var/lib/rlmlab-embedded instead.
"""

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rlmlab.embedded.errors import StartError

SYSTEM_ACCOUNTS = ("postgres", "daemon", "bin")
FALLBACK_ROOT = Path("/var/lib/rlmlab-embedded")
NAME_FILE = "installation"
SOCKET_PATH_LIMIT = 100  # sun_path holds 107 bytes; room for the longest socket name's lock file


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group that the servers run as; `switch` when we are root and must change to it."""

    uid: int
    gid: int
    name: str
    switch: bool

    def can_reach(self, path: Path) -> bool:
        """Tell whether the account may traverse every existing folder down to `path`."""
        if not self.switch:
            return True
        existing = [folder for folder in (path, *path.parents) if folder.exists()]
        return all(_may_traverse(folder.stat(), self) for folder in existing if folder.is_dir())


def _may_traverse(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def server_account() -> Account:
    """Choose the account: ourselves, or for root the first of a few system accounts.

    Raises:
        StartError: root's machine has none of them.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), pwd.getpwuid(os.geteuid()).pw_name, switch=False)
    for name in SYSTEM_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, switch=True)
    raise StartError(
        f"PostgreSQL must not run as root, and none of the users {', '.join(SYSTEM_ACCOUNTS)} exists: add one."
    )


@dataclass(frozen=True, slots=True)
class Places:
    """All paths of one installation, derived from its data directory alone so that every command finds them."""

    data_dir: Path
    servers: Path
    sockets: Path
    account: Account

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data."""
        return self.servers / "postgres"

    @property
    def valkey_data(self) -> Path:
        """Valkey's append-only file."""
        return self.servers / "valkey"

    @property
    def valkey_socket(self) -> Path:
        """Valkey's Unix socket."""
        return self.sockets / "vk.sock"

    def remove_short_sockets(self) -> None:
        """Leave no empty folder in /tmp behind, where a long data directory put its sockets."""
        if self.sockets.parent != self.servers:
            with suppress(OSError):  # never made, or a server of somebody else's still uses it
                self.sockets.rmdir()

    @property
    def logs(self) -> Path:
        """One log a child."""
        return self.data_dir / "logs"

    @property
    def secrets(self) -> Path:
        """Generated passwords and keys, a 0600 file each."""
        return self.data_dir / "secrets"


def name_installation(data_dir: Path) -> None:
    """Give a new data directory a name of its own.

    Servers outside of it are found by that name, so that a directory which was removed and made again does not meet the
    database of the one before, whose passwords are gone.
    """
    with suppress(FileExistsError), (data_dir / NAME_FILE).open("x") as file:
        file.write(secrets.token_hex(16))


def _mark(data_dir: Path) -> str:
    try:
        name = (data_dir / NAME_FILE).read_bytes()
    except OSError:
        name = b""
    return hashlib.sha256(os.fsencode(data_dir) + b"\0" + name).hexdigest()[:12]


def places(data_dir: Path) -> Places:
    """Derive the paths of the installation in `data_dir`; nothing is written."""
    account = server_account()
    mark = _mark(data_dir)
    servers = data_dir / "servers"
    if not account.can_reach(servers) and not (servers / "postgres").exists():
        servers = FALLBACK_ROOT / mark
    sockets = servers / "run"
    if len(os.fsencode(sockets / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT:
        sockets = Path("/tmp") / f"rlmlab-{account.uid}-{mark}"  # noqa: S108 - made 0700 and its owner is checked
    return Places(data_dir, servers, sockets, account)


def make_folder(path: Path, account: Account, mode: int = 0o700) -> None:
    """Create a folder of the account's own, or accept the one that is there.

    Raises:
        StartError: it belongs to somebody else, or cannot be made.
    """
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"Cannot create {path}: {error.strerror}. Set RLMLAB_DATA_DIR to a folder you can write."
        ) from None
    if path.is_symlink() or path.stat().st_uid not in {account.uid, os.geteuid()}:
        raise StartError(f"{path} belongs to another user. Remove it, or set RLMLAB_DATA_DIR to another folder.")
    if account.switch:
        os.chown(path, account.uid, account.gid)
    path.chmod(mode)


def package_folder(name: str) -> Path:
    """Find an installed package without importing it.

    Raises:
        StartError: it is not installed.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise StartError(f"The Python package {name.replace('_', '-')} is missing. Run `make setup`.")
    return Path(spec.origin).parent


def reachable_copy(folder: Path, where: Places) -> Path:
    """Return `folder`, or a copy of it (and of its bundled libraries) that the servers' account can reach."""
    if where.account.can_reach(folder):
        return folder
    target = where.servers / "packages" / folder.name
    for source in (folder, folder.with_name(f"{folder.name}.libs")):
        copy = target.with_name(source.name)
        if source.is_dir() and _stamp(copy) != _stamp(source):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source, copy, symlinks=True)
            _allow_reading(copy)
    _allow_reading(target.parent)
    return target


def _stamp(folder: Path) -> tuple[int, int]:
    files = [entry.stat() for entry in folder.rglob("*") if entry.is_file() and entry.suffix != ".pyc"]
    return len(files), sum(status.st_size for status in files)


def _allow_reading(folder: Path) -> None:
    for entry in (folder, *folder.rglob("*")):
        if not entry.is_symlink():
            entry.chmod(0o755 if entry.is_dir() or entry.stat().st_mode & stat.S_IXUSR else 0o644)
