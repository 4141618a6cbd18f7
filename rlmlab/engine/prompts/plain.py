"""The system prompt of a model that answers one question for another and has nothing but its prompt."""

import json
from collections.abc import Mapping
from typing import Any

SYSTEM = """\
You answer one question that is part of a larger task. Everything you need is in the message. Reply with what is asked
for and nothing else: no preamble, no explanation unless it is asked for, in the form that is asked for. Copy names,
numbers and quotes exactly. If the text does not tell, say so in a few words instead of guessing.
"""


def in_form(prompt: str, schema: Mapping[str, Any]) -> str:
    """Ask for a JSON value beside the question."""
    return (
        f"{prompt}\n\nReply with one JSON value that matches this JSON Schema, and with nothing else:\n"
        f"{json.dumps(schema, ensure_ascii=False)}"
    )


def repair(problem: str) -> str:
    """Tell how a reply differs from its schema, and ask for it again."""
    return (
        f"Your reply does not match the JSON Schema that was asked for: {problem}\n"
        "Reply again with the whole JSON value, mended, and with nothing else."
    )
