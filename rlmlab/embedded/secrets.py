"""Generated secrets of an installation: one 0600 file each, made once, never logged."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from rlmlab.embedded.places import Places


def read_secret(where: Places, name: str) -> str | None:
    """Return the secret, or None where it has not been made yet or a crash left its file without text."""
    try:
        return (where.secrets / name).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def ensure_secret(where: Places, name: str) -> str:
    """Return the secret, making it on first use (256 bits, URL-safe); two processes at once agree on one."""
    where.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    path: Path = where.secrets / name
    known = read_secret(where, name)
    if known is not None:
        return known
    if path.exists() and read_secret(where, name) is None:
        path.unlink()
    draft = path.with_name(f"{name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(descriptor)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return path.read_text().strip()
