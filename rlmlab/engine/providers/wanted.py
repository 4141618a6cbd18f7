"""Puts the tool calls that a model asks for together, of the pieces in which they stream."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rlmlab.engine.providers.base import ToolCall

MOST_CALLS = 128  # as OpenAI allows tools; a stream cannot make us keep more


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class WantedTools:
    """The tool calls of one answer so far.

    OpenAI numbers the calls, and names each in its first piece only. Ollama numbers all of them 0, and Gemini none: a
    piece with another id, or of a call that was named already, is a call of its own there.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, pieces: list[Mapping[str, Any]]) -> None:
        """Take in the `tool_calls` of a chunk's delta.

        Raises:
            ValueError: they are more than anybody asks for.
        """
        for piece in pieces:
            function = piece.get("function") or {}
            call = self._call(piece.get("index"), str(piece.get("id") or ""), str(function.get("name") or ""))
            arguments = function.get("arguments")
            if arguments:
                call.arguments.append(arguments if isinstance(arguments, str) else json.dumps(arguments))

    def calls(self) -> tuple[ToolCall, ...]:
        """Return them; one that has no id gets its number as one, and no arguments are an empty object."""
        return tuple(
            ToolCall(call.id or f"call_{number}", call.name, "".join(call.arguments) or "{}")
            for number, call in enumerate(self._calls)
        )

    @property
    def written(self) -> str:
        """What the model wrote for them, to be counted."""
        return "".join(f"{call.name}{''.join(call.arguments)}" for call in self._calls)

    def _call(self, index: int | None, call_id: str, name: str) -> _Call:
        """Find the call that a piece belongs to, or begin one."""
        found = self._calls[-1] if index is None and self._calls else self._by_index.get(index or 0)
        other_id = found is not None and call_id and found.id and call_id != found.id
        again = found is not None and name and found.name and not call_id
        if found is None or other_id or again:
            if len(self._calls) >= MOST_CALLS:
                raise ValueError("too many tool calls")
            found = _Call()
            self._calls.append(found)
            self._by_index[index or 0] = found
        found.id = found.id or call_id
        found.name = found.name or name
        return found
