"""Names what a run or an item is about, so that the same case is recognised wherever it comes from."""

import hashlib
import json
from collections.abc import Iterable

from trajectories import contexts
from trajectories.models import Run


def input_hash(task: str, inputs: Iterable[tuple[str, str]] = ()) -> str:
    """Return the SHA-256 of a task and its inputs, each a name (empty for a context) and the SHA-256 of its bytes."""
    text = json.dumps([task, [list(entry) for entry in inputs]], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def input_hash_of(run: Run) -> str:
    """Return the hash of what a run was asked; within a scope."""
    return input_hash(run.task, [(entry.name, entry.blob.sha256) for entry in contexts.inputs_of(run)])
