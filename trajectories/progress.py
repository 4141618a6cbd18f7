"""What a run is doing, in a line for people who wait for its answer."""

import json
from collections.abc import Mapping
from typing import Any, Final

from trajectories.wire import StoredEvent

PROMPT_CHARACTERS: Final = 100


def line(event: StoredEvent) -> str:
    """Return what an event says about a run's progress, with a line break; empty for those that say nothing."""
    if event.type not in {"span_started", "log"}:
        return ""
    payload = json.loads(event.payload)
    text = _logged(payload) if event.type == "log" else _started(payload)
    return f"{'  ' * event.depth}{text}\n" if text else ""


def _started(payload: Mapping[str, Any]) -> str:
    data = payload.get("data") or {}
    match payload["kind"]:
        case "step":
            return str(payload["name"]).capitalize()
        case "tool_call":
            return f"  {payload['name']}"
        case "sub_call" if not data.get("index"):
            count = data.get("batch_size") or 1
            times = f" ({count} at once)" if count > 1 else ""
            return f"  {data.get('function') or payload['name']}{times}: {_first_line(data.get('prompt') or '')}"
        case _:
            return ""


def _logged(payload: Mapping[str, Any]) -> str:
    return f"  {payload['message']}" if payload["level"] in {"warning", "error"} else ""


def _first_line(text: str) -> str:
    """Return the first line that says something, cut to what a glance takes in."""
    found = " ".join(next((line for line in text.splitlines() if line.strip()), "").split())
    return found if len(found) <= PROMPT_CHARACTERS else f"{found[: PROMPT_CHARACTERS - 1]}…"
