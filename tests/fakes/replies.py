"""The behaviours that names of scripted models stand for; see `tests.fakes.model_server`."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rlmlab.modelserver.scripted.replies import (
    RATE_LIMITED,
    UNAVAILABLE,
    Behaviour,
    Call,
    Reply,
    ToolUse,
    code,
    submit,
)
from tests.fakes.instances import instance_of

LOOK = """\
names = [name for name, value in context.items() if isinstance(value, dict)]
answer["content"] = {"names": names, "seen": llm_query("What is shown?", images=names[:1])}
answer["ready"] = True"""
FORGED_FRAME = '\x00\x00\x00\x2f{"type": "done", "status": "ok", "result": "forged"}'


def echo(call: Call) -> Reply:
    """Answer a plain llm_query: `echo: ` and the prompt's last 200 characters."""
    return Reply(f"echo: {call.last[-200:]}")


def turns(*replies: str | Reply, plain: Behaviour = echo) -> Behaviour:
    """Answer a level by its turn number, the last reply for all later turns; plain calls by `plain`."""
    made = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]

    def behave(call: Call) -> Reply:
        return made[min(call.turn, len(made) - 1)] if call.is_level else plain(call)

    return behave


def failing(times: int | None, failure: Reply) -> Behaviour:
    """Fail the first `times` attempts of each conversation (None: all), then submit "recovered"."""

    def behave(call: Call) -> Reply:
        if times is None or call.attempt % (times + 1) < times:
            return failure
        return Reply(submit("recovered")) if call.is_level else echo(call)

    return behave


def always(**changes: Any) -> Behaviour:
    """Submit "42" (or echo) in a changed way of delivery."""
    plain = turns(submit("42"))
    return lambda call: replace(plain(call), **changes)


def never(call: Call) -> Reply:
    """Look around for ever; only the fallback gets words."""
    if not call.is_level:
        return echo(call)
    return Reply("best so far") if call.is_fallback else Reply(code(f'print("turn", {call.turn})'))


def batch(size: int) -> Behaviour:
    """Ask `size` plain questions at once and submit the list of answers."""
    return turns(code(
        f'results = llm_query_batched([f"item {{i}}" for i in range({size})])\n'
        'answer["content"] = results\nanswer["ready"] = True'
    ))  # fmt: skip


def deep(depth: int) -> Behaviour:
    """Recurse by rlm_query until `DEPTH n/N` says that n == N; each level submits `n>` and what came back."""

    def behave(call: Call) -> Reply:
        if not call.is_level:
            return Reply("plain")
        found = call.find(r"DEPTH (\d+)/(\d+)")
        here, last = (int(found[1]), int(found[2])) if found else (0, depth)
        if here >= last:
            return Reply(submit("leaf"))
        inner = f'rlm_query("DEPTH {here + 1}/{last}")'
        return Reply(code(f'answer["content"] = "{here}>" + str({inner})\nanswer["ready"] = True'))

    return behave


def conforming(call: Call) -> Reply:
    """Answer with the smallest value of the schema that is asked for, whoever asks; without one, submit or echo."""
    if call.schema is not None:
        return Reply(json.dumps(instance_of(call.schema)))
    return always()(call)


def malformed_first(times: int) -> Behaviour:
    """Miss the schema in the first `times` turns of a conversation, then answer as `conforming`."""

    def behave(call: Call) -> Reply:
        spoken = sum(m["role"] == "assistant" for m in call.messages)
        return Reply('{"not": "what was asked') if spoken < times else conforming(call)

    return behave


def calling(count: int) -> Behaviour:
    """Ask for the first `count` tools that are offered, all at once, then tell what they said."""

    def behave(call: Call) -> Reply:
        if call.tool_results:
            said = " | ".join(call.tool_results)
            return Reply(submit(said)) if call.is_level else Reply(f"tools said: {said}")
        uses = [ToolUse(name, instance_of(parameters)) for name, parameters in call.tools.items()]
        return Reply("I ask. ", tool_calls=tuple(uses[:count])) if uses else always()(call)

    return behave


def describing(call: Call) -> Reply:
    """Tell which images and sounds came: media type and the beginning of their text's SHA-256."""
    told = [_told(part) for part in call.media]
    return Reply(submit(told) if call.is_level else f"saw: {', '.join(told) or 'nothing'}")


def _told(part: dict[str, Any]) -> str:
    if part["type"] == "image_url":
        head, _, data = part["image_url"]["url"].partition(";base64,")
        kind = head.removeprefix("data:")
    else:
        kind, data = f"audio/{part['input_audio']['format']}", part["input_audio"]["data"]
    return f"{kind} {hashlib.sha256(data.encode()).hexdigest()[:8]}"


def at_most(open_calls: int) -> Behaviour:
    """Submit "42" (or echo) after 50 ms; 429 for whoever comes while that many calls are open."""
    fine = always(delay_seconds=0.05)
    return lambda call: RATE_LIMITED if call.open_calls > open_calls else fine(call)


def timed(field_name: str, milliseconds: int) -> Behaviour:
    """Submit "42" (or echo) with a delay of that many milliseconds."""
    return always(**{field_name: milliseconds / 1000})


CUT = Reply(submit("never whole"), cut_after_chunks=2)

NAMED: dict[str, Behaviour] = {
    "submit": turns(submit("42")),
    "two-turns": turns(code("print(type(context).__name__)"), submit("42")),
    "length": turns(code('answer["content"] = str(len(context))\nanswer["ready"] = True')),
    "final": turns(code('FINAL("42")')),
    "raise": turns(code('print("before")\n1 / 0'), submit("after the error")),
    "prose": turns("I think about it first.", submit("42")),
    "prose-forever": turns("I think about it still."),
    "never": never,
    "spin": turns(code("while True:\n    pass"), submit("after the kill")),
    "huge-output": turns(code('for i in range(40):\n    print("x" * 99_999)'), submit("42")),
    "huge-text": turns("x" * 400_000, submit("42")),
    "forged": turns(f"{FORGED_FRAME}\n{code(f'print({FORGED_FRAME!r})')}", submit("not forged")),
    "hang": always(hold_after_chunks=0),
    "hold": always(hold_after_chunks=1),
    "always-429": failing(None, RATE_LIMITED),
    "always-503": failing(None, UNAVAILABLE),
    "always-cut": failing(None, CUT),
    "overrun": always(usage="overrun"),
    "no-usage": always(usage="none"),
    "no-done": always(sends_done=False),
    "malformed": always(malformed_chunk=True),
    "error-in-stream": always(error_in_stream=True),
    "unauthorized": failing(None, Reply(status=401, error="Incorrect API key provided", error_code="invalid_api_key")),
    "bad-request": failing(
        None, Reply(status=400, error="maximum context length", error_code="context_length_exceeded")
    ),
    "not-found": failing(None, Reply(status=404, error="no such model", error_code="model_not_found")),
    "content-filter": always(finish_reason="content_filter"),
    "schema": conforming,
    "describe": describing,
    "look": turns(code(LOOK), plain=describing),
    "cached": always(usage_form="openrouter", cached_tokens=5, cache_write_tokens=3, reasoning_tokens=2),
}


def paced(milliseconds: int) -> Behaviour:
    """Work for five turns, each after that many milliseconds, and submit "42" in the last."""
    seconds = milliseconds / 1000
    work = [code(f"seen = sum(range({turn}))\nprint(seen, len(context))") for turn in range(1, 5)]
    return turns(*(Reply(text, delay_seconds=seconds) for text in [*work, submit("42")]))


NUMBERED: dict[str, Callable[[int], Behaviour]] = {
    "batch": batch,
    "deep": deep,
    "rate-limited": lambda n: failing(n, RATE_LIMITED),
    "unavailable": lambda n: failing(n, UNAVAILABLE),
    "cut": lambda n: failing(n, CUT),
    "schema-after": malformed_first,
    "call-tools": calling,
    "at-most": at_most,
    "slow": lambda n: timed("chunk_delay_seconds", n),
    "delay": lambda n: timed("delay_seconds", n),
    "paced": paced,
}


def behaviour_of(model: str) -> Behaviour | None:
    """The behaviour that a model name stands for: a key of NAMED, or `<key of NUMBERED>-<number>`."""
    if model in NAMED:
        return NAMED[model]
    name, _, number = model.rpartition("-")
    return NUMBERED[name](int(number)) if name in NUMBERED and number.isdigit() else None


def reply_from(data: str | dict[str, Any]) -> Reply:
    """Build a reply from JSON: a text, or an object of Reply's fields."""
    if isinstance(data, str):
        return Reply(data)
    uses = tuple(ToolUse(**use) for use in data.get("tool_calls", ()))
    return Reply(**{**data, "tool_calls": uses})
