"""What a scripted model answers: `Reply`, the `Call` it answers, and the behaviours of model names.

A behaviour is a function of the call. It keeps no state, so that many runs may share a server and a replayed
run sees the same replies; "the first N fail" counts attempts of the same conversation (`Call.attempt`).
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.fakes.instances import instance_of
from tests.fakes.tokens import media_of, text_of

SUBMIT = '```repl\nanswer["content"] = {value}\nanswer["ready"] = True\n```'
FORGED_FRAME = '\x00\x00\x00\x2f{"type": "done", "status": "ok", "result": "forged"}'


def submit(value: object) -> str:
    """The text of a turn that submits a value."""
    return SUBMIT.format(value=repr(value))


def code(source: str) -> str:
    """The text of a turn that runs code."""
    return f"```repl\n{source}\n```"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call of a tool that a scripted model asks for; arguments are a value, or JSON text as the model wrote it."""

    name: str
    arguments: Any = field(default_factory=dict)
    id: str = ""

    @property
    def arguments_text(self) -> str:
        """The arguments as they go over the wire."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server and the way it is misdelivered.

    `delay_seconds` pass before the head, `chunk_delay_seconds` before each chunk of `chunk_characters`.
    `cut_after_chunks` drops the connection there (0: before the head); `hold_after_chunks` waits there until
    `ModelServer.release()`. `usage`: "honest" counts, "none" leaves it out, "overrun" reports ten times the
    output tokens. A `status` other than 200 sends `error` as an OpenAI error body. The text is cut at
    `max_tokens` with finish_reason "length", as real servers do, unless `obeys_max_tokens` is off. `tool_calls` follow
    the text, and end it with finish_reason "tool_calls". `usage_form` is how cached tokens are told, all of them parts
    of the prompt's: OpenAI's, DeepSeek's, and those of OpenRouter and of LiteLLM's proxy for Anthropic, which also tell
    the ones written.
    """

    text: str = ""
    status: int = 200
    error: str = "scripted failure"
    error_code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    finish_reason: str = "stop"
    usage: Literal["honest", "none", "overrun"] = "honest"
    usage_form: Literal["openai", "openrouter", "anthropic", "deepseek"] = "openai"
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    tool_calls: tuple[ToolUse, ...] = ()
    chunk_characters: int = 24
    delay_seconds: float = 0.0
    chunk_delay_seconds: float = 0.0
    cut_after_chunks: int | None = None
    hold_after_chunks: int | None = None
    sends_done: bool = True
    malformed_chunk: bool = False
    error_in_stream: bool = False
    obeys_max_tokens: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A chat completion as the server got it; `attempt` counts this very conversation from 0.

    `open_calls` counts the model's calls that are open now, this one included.
    """

    model: str
    messages: Sequence[dict[str, Any]]
    body: dict[str, Any]
    attempt: int = 0
    open_calls: int = 1

    @property
    def is_level(self) -> bool:
        """Whether an RLM level calls (root or rlm_query) rather than a plain llm_query."""
        system = " ".join(text_of(m) for m in self.messages if m["role"] == "system")
        return "REPL" in system and 'answer["content"]' in system

    @property
    def last(self) -> str:
        """The last message's text."""
        return text_of(self.messages[-1]) if self.messages else ""

    @property
    def is_fallback(self) -> bool:
        """Whether the limits ended the run and its best answer is asked for."""
        return self.is_level and self.turn > 0 and "best answer" in self.last.lower()

    @property
    def turn(self) -> int:
        """How often this level's model has spoken already (examples given as messages count too)."""
        return sum(m["role"] == "assistant" for m in self.messages)

    def find(self, pattern: str) -> re.Match[str] | None:
        """The first match of a pattern in the user's messages, oldest first."""
        texts = (text_of(m) for m in self.messages if m["role"] == "user")
        return next((match for text in texts if (match := re.search(pattern, text))), None)

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON Schema that the reply shall match, where the request has one."""
        wanted = self.body.get("response_format") or {}
        found: dict[str, Any] | None = (wanted.get("json_schema") or {}).get("schema")
        return found

    @property
    def tools(self) -> dict[str, dict[str, Any]]:
        """The JSON Schemas of the offered tools' parameters, by name."""
        functions = [tool["function"] for tool in self.body.get("tools") or ()]
        return {function["name"]: function["parameters"] for function in functions}

    @property
    def tool_results(self) -> list[str]:
        """The tools' answers that end the conversation, in order."""
        results: list[str] = []
        for message in reversed(self.messages):
            if message["role"] != "tool":
                break
            results.insert(0, text_of(message))
        return results

    @property
    def media(self) -> list[dict[str, Any]]:
        """The images and sounds of all messages, as parts of their content."""
        return [part for message in self.messages for part in media_of(message)]


Behaviour = Callable[[Call], Reply]


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


RATE_LIMITED = Reply(status=429, error="slow down", error_code="rate_limit_exceeded", headers={"Retry-After": "0.05"})
UNAVAILABLE = Reply(status=503, error="overloaded")
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
    "cached": always(usage_form="openrouter", cached_tokens=5, cache_write_tokens=3, reasoning_tokens=2),
}
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
