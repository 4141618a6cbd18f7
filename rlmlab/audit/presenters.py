"""One sentence for each kind of action, filled from an entry's `changes`.

Apps register theirs when they are ready; a guard test finds recorded actions that have none.
"""

import string
from collections.abc import Mapping
from typing import Any, Final

_sentences: Final[dict[str, str]] = {}


class _Ellipsis(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


def register(action: str, sentence: str) -> None:
    """Give an action its sentence, as in "created the project {slug}", with keys of `changes` in braces.

    Raises:
        ValueError: the action has another sentence already.
    """
    if _sentences.setdefault(action, sentence) != sentence:
        raise ValueError(f"the action {action} has a sentence already")


def registered_actions() -> frozenset[str]:
    """Return the actions that have a sentence."""
    return frozenset(_sentences)


def sentence(action: str, changes: Mapping[str, Any]) -> str:
    """Say what an entry records; a value that is not there shows as an ellipsis.

    An action that nobody knows, or nobody any more, goes by its name: also a forged entry has to be shown.
    """
    values = {key: _shown(value) for key, value in changes.items()}
    return string.Formatter().vformat(_sentences.get(action, action), (), _Ellipsis(values))


def _shown(value: Any) -> str:
    """Show a changed value by its new one."""
    if isinstance(value, dict) and value.keys() == {"from", "to"}:
        value = value["to"]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
