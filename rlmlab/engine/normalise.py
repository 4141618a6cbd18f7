"""Makes what models and guests emit storable: PostgreSQL refuses NUL, JSON lone surrogates and NaN."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from rlmlab.engine.providers.base import ToolCall

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
DEEPEST = 64  # levels of nesting; serialisers give up not far below 255


def text(value: str) -> str:
    """Replace NUL and lone surrogates one for one by U+FFFD, so that offsets stay what they were."""
    if value.isascii() and "\x00" not in value:
        return value
    return UNSTORABLE.sub("\ufffd", value)


def calls(wanted: Sequence[ToolCall]) -> list[ToolCall]:
    """Normalise what a model asks tools for, and see to it that each call can be told from the others."""
    return [
        ToolCall(text(call.id) or f"call-{at}", text(call.name), text(call.arguments))
        for at, call in enumerate(wanted, start=1)
    ]


def is_storable(value: Any, depth: int = 0) -> bool:
    """Tell whether a value is JSON data that `data` would leave as it is; a False may be in vain."""
    kind = type(value)
    if kind is str:
        mended: str = text(value)
        return mended == str(value)
    if kind is float:
        return math.isfinite(value)
    if kind is dict:
        known = depth < DEEPEST and all(type(key) is str and is_storable(key) for key in value)
        return known and all(is_storable(item, depth + 1) for item in value.values())
    if kind is list:
        return depth < DEEPEST and all(is_storable(item, depth + 1) for item in value)
    return value is None or kind is int or kind is bool


def data(value: Any, depth: int = 0) -> Any:
    """Normalise a JSON value: texts and keys as `text`, NaN and infinities to their names, deep nesting to its text."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict | list | tuple):
        if depth >= DEEPEST:
            return text(_flat(value))
        if isinstance(value, dict):
            return {text(str(key)): data(item, depth + 1) for key, item in value.items()}
        return [data(item, depth + 1) for item in value]
    return value


def _flat(value: Any) -> str:
    """Write a deep value as JSON text, or say that it cannot be."""
    try:
        return json.dumps(value, default=str)
    except (RecursionError, ValueError):
        return "(nested too deep to show)"
