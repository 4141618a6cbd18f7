"""Values of the guest as JSON, with errors that tell the writer of the cell what to change."""

import math
from typing import Any

from sandbox.guest.wire import MAX_DEPTH


def to_json(value: Any, *, what: str = "the value", depth: int = 0) -> Any:
    """Return `value` with tuples as lists and NaN and infinities as None.

    Raises:
        TypeError: something in it is not None, bool, int, float, str, list, tuple or dict with simple keys.
        ValueError: it is nested deeper than `MAX_DEPTH`, or contains itself.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth >= MAX_DEPTH:
        raise ValueError(f"{what} is nested deeper than {MAX_DEPTH} levels or contains itself")
    if isinstance(value, (list, tuple)):
        return [to_json(item, what=what, depth=depth + 1) for item in value]
    if isinstance(value, dict):
        return {_key(key, what): to_json(item, what=what, depth=depth + 1) for key, item in value.items()}
    raise TypeError(
        f"{what} must be JSON (text, numbers, True, False, None, lists and dicts of them), "
        f"but contains a {type(value).__name__}"
    )


def _key(key: Any, what: str) -> str:
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, (int, float)):
        return str(key)
    raise TypeError(f"{what} has a dict key of type {type(key).__name__}; keys must be text")
