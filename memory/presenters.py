"""What the audit log says about this app's actions."""

from typing import Final

from rlmlab.audit import presenters

SENTENCES: Final = {
    "memory.remember": "kept a memory of {characters} characters in the project {project}",
    "memory.edit": "edited a memory",
    "memory.pin": "changed whether a memory is pinned: {pinned}",
    "memory.forget": "forgot a memory",
    "memory.restore": "brought a forgotten memory back",
    "memory.erase": "erased a memory for good",
}


def register_all() -> None:
    """Make the audit log know them."""
    for action, sentence in SENTENCES.items():
        presenters.register(action, sentence)
