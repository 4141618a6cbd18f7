"""Tools as tool-calling models ask for them: specs go out with a step's request, calls come back beside its text.

A reply may hold calls and code. The calls come first, all at the same time, their results in the order of the calls;
then the cells run. Code fences stay the main way: no model needs native calls to use a tool.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from rlmlab.engine.budget import text_bound
from rlmlab.engine.conversation import Prompt, request_hash
from rlmlab.engine.events import Failure, Message
from rlmlab.engine.places import join
from rlmlab.engine.providers.base import ChatMessage, ModelInfo, ToolCall, ToolSpec
from rlmlab.engine.services import Asked
from rlmlab.engine.spans import OnRecord, OpenSpan, SpanStart
from rlmlab.engine.tools.base import Tool
from rlmlab.engine.tools.toolbox import SHOWN_CHARS as SHOWN_LINE
from rlmlab.engine.tools.toolbox import Toolbox, Wanted
from rlmlab.engine.tree import LevelSpec, Tree
from sandbox.base import JSON
from sandbox.errors import Refused

MOST_CALLS = 32  # of one reply
SHOWN_CHARS = 8_000  # of one result, as of a cell's output
SHOWN_ARGUMENTS = 2_000


@dataclass(frozen=True, slots=True)
class _Answered:
    """A call and what its model is told."""

    call: ToolCall
    text: str


def fit(prompt: Prompt, info: ModelInfo, tree: Tree) -> Prompt:
    """Add the run's tools to a step's prompt where the model takes them; one that does not reads past calls as text."""
    tools = tools_of(tree)
    if not tools or not info.tools:
        return flat(prompt)
    specs = tuple(spec_of(tool) for tool in tools)
    told = json.dumps([[spec.name, spec.description, spec.parameters] for spec in specs], sort_keys=True)
    digest = f"{prompt.digest}-{request_hash(told)[:16]}"
    return replace(prompt, tools=specs, bound=prompt.bound + text_bound(told), digest=digest)


def tools_of(tree: Tree) -> tuple[Tool, ...]:
    """Return the run's tools."""
    return () if tree.toolbox is None else tuple(tree.toolbox.tools.values())


def flat(prompt: Prompt) -> Prompt:
    """Write tool calls and their results as plain text, for a request that names no tools."""
    if not any(message.tool_calls or message.role == "tool" for message in prompt.messages):
        return prompt
    messages: list[ChatMessage] = []
    for message in map(_as_text, prompt.messages):
        if messages and messages[-1].role == message.role == "user":
            messages[-1] = replace(messages[-1], content=f"{messages[-1].content}\n\n{message.content}")
        else:
            messages.append(message)
    return replace(prompt, messages=tuple(messages), bound=sum(text_bound(message.content) for message in messages))


def spec_of(tool: Tool) -> ToolSpec:
    """Describe a tool as providers take it."""
    return ToolSpec(tool.name, tool.description, tool.parameters)


async def answer_calls(tree: Tree, level: LevelSpec, calls: Sequence[ToolCall], step: OpenSpan) -> list[Message]:
    """Make the calls of a reply at the same time; return the messages that answer them, in order, when all is durable.

    What is wrong with a call is its answer. Paths: `<step>/t1`, `<step>/t2`, …

    Raises:
        BudgetExhausted: the run has made too many host calls.
        LostLease: another worker owns the run.
    """
    if not calls:
        return []
    for _ in calls:
        tree.meter.count_host_call()
    toolbox = tree.toolbox or Toolbox((), tree.stream, tree.spans)
    made = calls[:MOST_CALLS]
    places = [Asked(join(step.path, f"t{at}"), step, level.open_context) for at in range(1, len(made) + 1)]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_answered(toolbox, call, asked, tree)) for call, asked in zip(made, places, strict=True)
        ]
    await tree.stream.commit()
    over = f"[ToolError: not made: one reply can make {MOST_CALLS} calls]"
    answers = [task.result() for task in tasks] + [_Answered(call, over) for call in calls[MOST_CALLS:]]
    return [
        Message(role="tool", content=answer.text, purpose="observation", tool_call_id=answer.call.id)
        for answer in answers
    ]


async def _answered(toolbox: Toolbox, call: ToolCall, asked: Asked, tree: Tree) -> _Answered:
    """Make one call; whatever is wrong with it is told to the model."""
    try:
        try:
            wanted = _wanted(toolbox, call)
        except Refused as error:
            _refuse(tree, call, asked, error)
            raise
        return _Answered(call, _shown(call.name, await toolbox.call(wanted, asked)))
    except Refused as error:
        return _Answered(call, f"[{error.kind}: {error.message}]")


def _wanted(toolbox: Toolbox, call: ToolCall) -> Wanted:
    """Read a call's arguments.

    Raises:
        Refused: they are no JSON object, or do not fit.
    """
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise Refused("ValueError", f"{call.name[:60]}(): the arguments are not JSON: {error}") from None
    if not isinstance(arguments, Mapping):
        raise Refused("TypeError", f"{call.name[:60]}(): the arguments must be a JSON object")
    return toolbox.wanted(call.name, (), arguments)


def _refuse(tree: Tree, call: ToolCall, asked: Asked, error: Refused) -> None:
    """Put a call on record that was not made."""
    shown = call.arguments[:SHOWN_ARGUMENTS]
    data = {"arguments": shown, "shown": shown[:SHOWN_LINE], "request_hash": request_hash(call.name, call.arguments)}
    start = SpanStart("tool_call", call.name[:60] or "tool", asked.path, asked.cell.depth, data)
    with suppress(OnRecord), tree.spans.open(start, asked.cell) as span:
        span.fail(Failure(code="tool_arguments", message=error.message[:1000]))


def _shown(name: str, result: JSON) -> str:
    """Write a result for the model; a long one is cut, and it says so."""
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    rest = len(text) - SHOWN_CHARS
    if rest <= 0:
        return text
    return (
        f"{text[:SHOWN_CHARS]}\n[… {rest:,} of {len(text):,} characters are not shown. Ask for less at a time, or call "
        f"{name}(…) in a ```repl block and keep its result in a variable.]"
    )


def _as_text(message: ChatMessage) -> ChatMessage:
    if message.role == "tool":
        return ChatMessage("user", f"[Result of the tool call {message.tool_call_id}]\n{message.content}")
    if not message.tool_calls:
        return message
    calls = [f"[Tool call {call.id}: {call.name}({call.arguments})]" for call in message.tool_calls]
    return replace(message, content="\n".join(filter(str.strip, [message.content, *calls])), tool_calls=())
