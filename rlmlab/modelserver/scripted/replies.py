"""What a scripted model answers: `Reply`, and the `Call` that it answers.

A behaviour is a function of the call. It keeps no state, so that many runs may share a server and a replayed run sees
the same replies; `Call.attempt` counts how often the same conversation came before.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rlmlab.modelserver.scripted.tokens import media_of, text_of

SUBMIT = '```repl\nanswer["content"] = {value}\nanswer["ready"] = True\n```'


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

RATE_LIMITED = Reply(status=429, error="slow down", error_code="rate_limit_exceeded", headers={"Retry-After": "0.05"})
UNAVAILABLE = Reply(status=503, error="overloaded")
