"""Chooses how a level's conversation opens."""

from collections.abc import Sequence

from rlmlab.engine.prompts import compact, full
from rlmlab.engine.providers.base import ModelInfo

TAUGHT = ("REPL", 'answer["content"]')


def system_text(info: ModelInfo, own: str | None) -> str:
    """Return the system prompt of an RLM level; a run's own text gets the REPL's rules where it does not tell them."""
    if own is not None:
        return own if all(word in own for word in TAUGHT) else f"{own.rstrip()}\n{full.CONTRACT}"
    return compact.SYSTEM if info.small else full.SYSTEM


def examples(info: ModelInfo, own: str | None) -> Sequence[tuple[str, str]]:
    """Return the worked examples, role and text, that a small model needs."""
    return compact.EXAMPLES if info.small and own is None else ()
