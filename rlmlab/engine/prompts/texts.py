"""The engine's own words to a model between its turns."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rlmlab.engine.prompts import media
from rlmlab.engine.types import ContextInfo

LISTED_PARTS = 50

NO_CODE = (
    "[Your reply held no code, so nothing was run. Write Python in a ```repl block. "
    "If you know the answer, put it into a variable `result` and submit it:]\n"
    '```repl\nanswer["content"] = result\nanswer["ready"] = True\n```'
)
CUT_CODE = (
    "[Your reply was cut at the output limit in the middle of a code block, so that block was not run. "
    "Write a shorter one: do less in a turn, and keep long texts in variables instead of typing them.]"
)
EMPTY_ANSWER = '[You submitted an empty answer. Set answer["content"] to the answer and submit again.]'
SKIPPED = "[The code blocks after this one were not run.]"


def task_message(task: str, context: ContextInfo | None, schema: Mapping[str, Any] | None, left: str) -> str:
    """Put the task, what is known of the input, the form of the answer and the budget into one message."""
    parts = [f"Task: {task}", describe(context)]
    if schema is not None:
        parts.append(f"The answer must be a JSON value that matches this JSON Schema:\n{json.dumps(schema)}")
    parts.append(left)
    return "\n\n".join(parts)


def describe(context: ContextInfo | None) -> str:
    """Tell the kind and size of the input, and the first names of its files."""
    if context is None:
        return "There is no input: `context` is None."
    if context.kind == "text":
        return f"`context` is a str of {context.size:,} bytes."
    if context.kind == "json":
        known = f"`context` is a JSON value of {context.size:,} bytes: a list, a dict or a plain value."
        return f"{known}{media.hint(context.parts)}"
    names = ", ".join(f"{part.name!r} ({media.kind(part)}{part.size:,} bytes)" for part in context.parts[:LISTED_PARTS])
    more = len(context.parts) - LISTED_PARTS
    rest = f" and {more:,} more" if more > 0 else ""
    known = f"`context` is a dict of {len(context.parts):,} files, name -> text, {context.size:,} bytes: {names}{rest}."
    return f"{known}{media.hint(context.parts)}"


def left_line(left: Mapping[str, float | None]) -> str:
    """Tell what is left of the budget, and when the next step is the last."""
    cost_usd = left["cost_usd"]
    money = "" if cost_usd is None else f"${cost_usd:.4f}, "
    last = " The next step is your last: submit in it." if left["steps"] == 1 else ""
    asking, levels = f"{left['sub_calls']} sub-calls", f", {left['depth']} levels of rlm_query"
    if not left["sub_calls"] and not left["depth"]:
        asking, levels = "no sub-calls", ""
    return (
        f"[Budget left: {left['steps']} steps, {left['tokens']:,} tokens, {money}{asking}, "
        f"{left['seconds']:.0f} s{levels}.{last}]"
    )


def going_on(left: str) -> str:
    """Tell that the run goes on from here under limits of its own, whatever was said of them before."""
    return f"[The run goes on from here. What was said above of the budget does not count any more.]\n{left}"


def found_nothing(recalls: Sequence[int]) -> str:
    """Tell of the calls of `recall` that found nothing, by how many memories each found; empty when all found some."""
    empty = sum(found == 0 for found in recalls)
    if not empty:
        return ""
    return (
        "[recall found nothing.]"
        if len(recalls) == 1
        else f"[recall found nothing in {empty} of {len(recalls)} calls.]"
    )


def schema_nudge(problem: str) -> str:
    """Tell how a submitted answer differs from the schema."""
    return f"[The submitted answer does not match the JSON Schema of the task: {problem}. Mend it and submit again.]"


def fallback_request(limit: str, schema: Mapping[str, Any] | None) -> str:
    """Ask for the best answer so far."""
    form = "as plain text" if schema is None else f"as one JSON value that matches {json.dumps(schema)}"
    return (
        f"[The run ends here: {limit} is reached. No more code is run. Reply now with the best answer to the task that "
        f"you can give from what you have seen, {form} and nothing else: no code block, no explanation.]"
    )
