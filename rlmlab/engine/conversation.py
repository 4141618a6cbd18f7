"""The messages of one RLM level, with their size and hash kept as they grow."""

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rlmlab.engine.budget import text_bound
from rlmlab.engine.media import token_bound
from rlmlab.engine.providers.base import ChatMessage, Media, Role, ToolCall, ToolSpec

LEFT_OUT = (
    "\n\n[Your earlier turns are not shown any more, to fit your window. The variables they made are still in the "
    "REPL, and `history()` returns every message of this conversation as a list of dicts {role, content}.]"
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a call sends: messages and tools, the upper bound of their tokens, and a hash of them for the record."""

    messages: tuple[ChatMessage, ...]
    bound: int
    digest: str
    tools: tuple[ToolSpec, ...] = ()


class Conversation:
    """System, examples and task stay; of the turns after them, the oldest give way when a window is full.

    Adding a message costs the length of that message; only what is sent is walked.
    """

    def __init__(self) -> None:
        self._messages: list[ChatMessage] = []
        self._bounds: list[int] = []
        self._bound = 0
        self._hash = hashlib.sha256()
        self._head = 0
        self._left_out = 0
        self._summed_up = 0  # of those left out, the ones that the summary stands for
        self._summary = ""

    @property
    def bound(self) -> int:
        """Bound the tokens of what is sent, with all turns that were not left out yet."""
        return self._bound + (text_bound(self._note()) if self._left_out else 0)

    def history(self) -> list[dict[str, str]]:
        """Return every message, also those that are not sent any more."""
        return [{"role": message.role, "content": message.content} for message in self._messages]

    def add(self, role: Role, content: str, *, tool_calls: Sequence[ToolCall] = (), tool_call_id: str = "") -> None:
        """Append a message; two of the same role in a row become one, as many providers demand, but for tools' own."""
        self._hash.update(f"{role}:{len(content)}:".encode())
        self._hash.update(content.encode("utf-8", "surrogatepass"))
        asked = "".join(f"{call.id}:{call.name}:{call.arguments};" for call in tool_calls) + tool_call_id
        self._hash.update(asked.encode("utf-8", "surrogatepass"))
        mergeable = role != "tool" and not tool_calls and len(self._messages) > self._head
        if mergeable and self._messages[-1].role == role and not self._messages[-1].media:
            content = f"{self._messages.pop().content}\n\n{content}"
            self._bound -= self._bounds.pop()
        self._messages.append(ChatMessage(role, content, tool_calls=tuple(tool_calls), tool_call_id=tool_call_id))
        self._bounds.append(text_bound(content) + (text_bound(asked) if asked else 0))
        self._bound += self._bounds[-1]

    def show(self, media: Sequence[Media], model: str) -> None:
        """Send images or sounds with the last message; `model` may count them as no other does."""
        for item in media:
            self._hash.update(f"media:{item.sha256}:".encode())
            tokens = token_bound(item, model)
            self._bounds[-1] += tokens
            self._bound += tokens
        self._messages[-1] = replace(self._messages[-1], media=tuple(media))

    def end_head(self) -> None:
        """Declare that what was added so far must always be sent."""
        self._head = len(self._messages)

    def prompt(self, room_tokens: int | None) -> Prompt:
        """Return what to send so that its bound is at most `room_tokens`, as far as leaving turns out can do that."""
        if room_tokens is not None and self._bound > room_tokens:
            self._leave_out(room_tokens * 3 // 4)  # some slack, so that not every call moves the start
        if not self._left_out:
            return Prompt(tuple(self._messages), self._bound, self._hash.hexdigest())
        head = self._messages[: self._head]
        last = head[-1]
        kept = self._messages[self._head + self._left_out :]
        note = self._note()
        marked = replace(last, content=last.content + note)
        digest = f"{self._hash.hexdigest()}-{self._left_out}"
        if self._summary:
            digest += f"-{request_hash(note)[:16]}"
        return Prompt((*head[:-1], marked, *kept), self._bound + text_bound(note), digest)

    def followed_by(self, role: Role, content: str) -> "Conversation":
        """Return a conversation that goes on from this one and leaves it as it is."""
        other = copy.copy(self)
        other._messages, other._bounds = self._messages.copy(), self._bounds.copy()  # noqa: SLF001 - its own kind
        other._hash = self._hash.copy()  # noqa: SLF001 - its own kind
        other.add(role, content)
        return other

    def older(self, kept_tokens: int) -> int:
        """Bound the tokens of the turns that are sent, but for the latest ones of at most `kept_tokens`."""
        first = self._head + self._left_out
        return sum(self._bounds[first : self._latest(kept_tokens)])

    def summarise(self, summary: str, kept_tokens: int) -> None:
        """Let a summary stand for all turns but the latest ones of at most `kept_tokens`; the last one always stays."""
        first, latest = self._head + self._left_out, self._latest(kept_tokens)
        self._bound -= sum(self._bounds[first:latest])
        self._left_out = self._summed_up = latest - self._head
        self._summary = summary

    def _latest(self, kept_tokens: int) -> int:
        """Find where the latest turns begin that have at most `kept_tokens`; the last one counts in any case."""
        at = self._head + self._left_out
        while (following := at + self._turn_length(at)) < len(self._messages) and sum(self._bounds[at:]) > kept_tokens:
            at = following
        return at

    def _note(self) -> str:
        """Say what is not sent any more."""
        summary = f"\n\n{self._summary}" if self._summary else ""
        return summary + (LEFT_OUT if self._left_out > self._summed_up else "")

    def _leave_out(self, room_tokens: int) -> None:
        """Drop the oldest turns, a reply with all that answers it at a time; the latest stays."""
        while self._bound > room_tokens:
            first = self._head + self._left_out
            length = self._turn_length(first)
            if first + length >= len(self._messages):
                return
            self._bound -= sum(self._bounds[first : first + length])
            self._left_out += length

    def _turn_length(self, first: int) -> int:
        """Count the messages of a turn: a reply, the results of its tool calls, the observation."""
        replies = (at for at in range(first + 1, len(self._messages)) if self._messages[at].role == "assistant")
        return next(replies, len(self._messages)) - first


def request_hash(*parts: object) -> str:
    """Hash what identifies a call, for the record: JSON of the parts, SHA-256."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).hexdigest()
