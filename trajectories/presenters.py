"""What the audit log says about this app's actions."""

from typing import Final

from rlmlab.audit import presenters

SENTENCES: Final = {
    "demo.settle": "checked the answer of the demo run “{title}” (right: {passed})",
    "file.create": "stored the file {name} ({size} bytes)",
    "run.cancel": "stopped the run “{title}”",
    "run.create": "started the run “{title}” on {model}",
}


def register_all() -> None:
    """Make the audit log know them."""
    for action, sentence in SENTENCES.items():
        presenters.register(action, sentence)
