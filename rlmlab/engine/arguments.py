"""Reads the arguments of host calls; what is wrong with them is an exception in the model's own code."""

from typing import Any

from sandbox.base import HostCall
from sandbox.errors import Refused


def bind(call: HostCall, *names: str) -> dict[str, Any]:
    """Match positional and keyword arguments to names; the first name is required.

    Raises:
        Refused: as `TypeError`, like a Python function's own.
    """
    if len(call.args) > len(names):
        raise Refused("TypeError", f"{call.name}() takes {len(names)} arguments, {len(call.args)} were given")
    bound: dict[str, Any] = dict(zip(names, call.args, strict=False))
    for name, value in call.kwargs.items():
        if name not in names:
            raise Refused("TypeError", f"{call.name}() has no argument {name!r}; it has {', '.join(names)}")
        if name in bound:
            raise Refused("TypeError", f"{call.name}() got two values for {name!r}")
        bound[name] = value
    if names and names[0] not in bound:
        raise Refused("TypeError", f"{call.name}() needs {names[0]!r}")
    return {name: bound.get(name) for name in names}


def text(call: HostCall, name: str, value: Any) -> str:
    """Demand a text.

    Raises:
        Refused: as `TypeError`.
    """
    if isinstance(value, str):
        return value
    raise Refused("TypeError", f"{call.name}(): {name} must be a str, not {_kind(value)}")


def texts(call: HostCall, name: str, value: Any) -> list[str]:
    """Demand a list of texts.

    Raises:
        Refused: as `TypeError`.
    """
    if not isinstance(value, list):
        raise Refused("TypeError", f"{call.name}(): {name} must be a list of str, not {_kind(value)}")
    return [text(call, f"{name}[{number}]", item) for number, item in enumerate(value)]


def same_length(call: HostCall, prompts: list[str], contexts: Any) -> list[Any]:
    """Demand one context for each prompt, or none at all.

    Raises:
        Refused: as `TypeError` or `ValueError`.
    """
    if contexts is None:
        return [None] * len(prompts)
    if not isinstance(contexts, list):
        raise Refused("TypeError", f"{call.name}(): contexts must be a list, not {_kind(contexts)}")
    if len(contexts) != len(prompts):
        raise Refused("ValueError", f"{call.name}(): {len(prompts)} prompts but {len(contexts)} contexts")
    return contexts


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__
