"""Makes a cell's sub-calls: questions to models, and further levels."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from rlmlab.engine import arguments, coverage, slices
from rlmlab.engine.budget import SUB_CALL_OUTPUT_TOKENS, Meter
from rlmlab.engine.conversation import Conversation, Prompt, request_hash
from rlmlab.engine.errors import BudgetExhausted, LostLease, NoAnswer, ProviderError, UnknownModel, UnsupportedMedia
from rlmlab.engine.events import Failure, Message
from rlmlab.engine.fallbacks import Question
from rlmlab.engine.media import refuse_blind
from rlmlab.engine.options import NONE, OPTIONS, Options, options_of, refuse_unseen
from rlmlab.engine.places import Place, join
from rlmlab.engine.prompts import plain
from rlmlab.engine.providers.base import Media, ModelInfo
from rlmlab.engine.repairs import Repairs
from rlmlab.engine.slices import WHOLE, Slice
from rlmlab.engine.spans import OnRecord, OpenSpan, SpanStart, failure_of
from rlmlab.engine.tree import SHOWN_PROMPT_CHARS, LevelSpec, RunChild, Tree
from rlmlab.engine.types import ContextInfo, ContextOpener, no_context
from sandbox.base import JSON, ContextSource, HostCall, context_in_memory
from sandbox.errors import Refused, SandboxError

FUNCTIONS = ("llm_query", "llm_query_batched", "rlm_query", "rlm_query_batched")
CUT = "\n[… the reply was cut at the output limit]"
BYTES_A_TOKEN_AT_MOST = 6  # no tokenizer needs fewer tokens for a text than its bytes / 6


@dataclass(frozen=True, slots=True)
class Item:
    """One sub-call of a host call."""

    function: str
    prompt: str
    info: ModelInfo
    context: JSON
    path: str
    index: int
    batch_size: int
    plain: bool
    options: Options = NONE
    key: str = ""  # of the answer in the cache
    seen: tuple[int, ...] = ()  # bytes of the input that it is given
    given: Slice = WHOLE
    meter: Meter | None = None

    @property
    def sliced(self) -> bool:
        """Tell whether it has a budget of its own."""
        return not self.plain or self.given != WHOLE


class SubCalls:
    """Makes the sub-calls of one cell."""

    def __init__(self, tree: Tree, place: Place, span: OpenSpan, run_child: RunChild) -> None:
        self._tree = tree
        self._place = place
        self._span = span
        self._run_child = run_child

    async def answer(self, call: HostCall) -> JSON:
        """Answer one host call, a single sub-call or a batch.

        Raises:
            Refused: the cell gets an exception.
            LostLease: another worker owns the run.
        """
        items = self._items(call)
        if not any(item.sliced for item in items):
            return await self._answers(call, items)
        with self._tree.meter.deal([item.given for item in items]) as meters:
            return await self._answers(
                call, [replace(item, meter=meter) for item, meter in zip(items, meters, strict=True)]
            )

    async def _answers(self, call: HostCall, items: list[Item]) -> JSON:
        return await (self._batch(items) if call.name.endswith("_batched") else self._one(items[0]))

    def _items(self, call: HostCall) -> list[Item]:
        """Read a host call into its sub-calls."""
        function = call.name.removesuffix("_batched")
        batched = call.name != function
        prompt_name = "prompts" if batched else "prompt"
        other = "contexts" if batched else "context"
        names = ("model", *OPTIONS) if function == "llm_query" else (other, "model", "budget")
        bound = arguments.bind(call, prompt_name, *names)
        prompts = (
            arguments.texts(call, prompt_name, bound[prompt_name])
            if batched
            else [arguments.text(call, prompt_name, bound[prompt_name])]
        )
        given = slices.read(call, bound.get("budget"))
        info = self._info(bound["model"], limited=given.max_cost_usd is not None)
        contexts: list[Any] = [None] * len(prompts)
        options = [NONE] * len(prompts)
        if function == "rlm_query":
            contexts = arguments.same_length(call, prompts, bound[other]) if batched else [bound[other]]
        else:
            options = options_of(call, bound, len(prompts), self._tree.shelf)
            refuse_unseen(call, self._tree, info, options)
        return [
            Item(
                function=function,
                prompt=prompt,
                info=info,
                context=context,
                path=join(self._place.of(call), index),
                index=index,
                batch_size=len(prompts),
                plain=function == "llm_query" or self._place.depth >= self._tree.spec.budget.max_depth,
                options=options[index],
                seen=call.seen[index] if index < len(call.seen) else (),
                key=self._key(function, info, prompt, options[index]),
                given=given,
            )
            for index, (prompt, context) in enumerate(zip(prompts, contexts, strict=True))
        ]

    def _key(self, function: str, info: ModelInfo, prompt: str, options: Options) -> str:
        """Name a plain question in the cache."""
        return self._tree.answers.key(info.model, prompt, options.data) if function == "llm_query" else ""

    def _info(self, model: object, *, limited: bool) -> ModelInfo:
        """Look a model up; what the cell asks for by name must have a price where the cost is limited."""
        usual = self._tree.spec.model_at(self._place.depth + 1)
        if model is not None and not isinstance(model, str):
            raise Refused("TypeError", "model must be a str")
        try:
            info = self._tree.provider.info(model or usual)
        except UnknownModel as error:
            raise Refused("ValueError", f"{error}. Leave model out to use {usual}") from error
        if info.price is None and limited:
            raise Refused("ValueError", f"budget: max_cost_usd is set, but no price is known for {info.model}")
        if info.price is None and self._tree.meter.cost_limit_usd is not None:
            raise Refused("ValueError", f"{info.model} has no known price, and the cost of this run is limited")
        return info

    async def _batch(self, items: list[Item]) -> list[JSON]:
        """Make all sub-calls at the same time; results in the order of the items, whatever order they end in.

        An item that failed is a text that says so. All items end before this returns or raises.
        """
        new = sum(self._tree.spans.record.span(item.path) is None for item in items)
        if new > self._tree.meter.sub_calls_left or self._was_refused(items):
            raise self._refuse_batch(items)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._settled(item)) for item in items]
        outcomes = [task.result() for task in tasks]
        for outcome in outcomes:
            if isinstance(outcome, LostLease):
                raise outcome
            if isinstance(outcome, Refused) and outcome.kind != "SubCallError":
                raise outcome
        return [f"[SubCallError: {item.message}]" if isinstance(item, Refused) else item for item in outcomes]

    def _was_refused(self, items: list[Item]) -> bool:
        """Tell whether the whole batch was refused before the run was taken up again."""
        found = self._tree.spans.record.span(items[0].path) if items else None
        if found is None or found.finished is None or "batch" not in found.finished.data:
            return False
        if found.shared:  # another run's limit: its cell was told so, and this run's limits are not touched
            OnRecord(found).result()
        return True

    def _refuse_batch(self, items: list[Item]) -> Refused:
        """Refuse a batch that is larger than what is left before any of it is paid."""
        left = self._tree.meter.sub_calls_left
        error = self._tree.meter.exhaust("max_sub_calls")
        refused = Refused("BudgetExceeded", f"{error}: {len(items)} sub-calls asked for, {left} left")
        try:
            with self._open(items[0]) as span:
                span.data = {"batch": len(items), "raised": [refused.kind, refused.message]}
                self._refused(error, span, made=False)
        except OnRecord as found:
            found.result()
        return refused

    async def _settled(self, item: Item) -> JSON | Refused | LostLease:
        try:
            return await self._one(item)
        except (Refused, LostLease) as error:
            return error
        finally:
            if item.meter is not None:
                item.meter.close()

    def _open(self, item: Item) -> AbstractContextManager[OpenSpan]:
        """Open the span of a sub-call; an rlm sub-call stands one level deeper, also where it is refused."""
        counts, depth = self._tree.meter.counts, self._place.depth + (0 if item.plain else 1)
        counts.max_depth = max(counts.max_depth, depth)
        start = SpanStart(
            kind="sub_call",
            name=item.function,
            path=item.path,
            depth=depth,
            data={
                "function": item.function,
                "prompt": item.prompt[:SHOWN_PROMPT_CHARS],
                "request_hash": _hash(item),
                "index": item.index,
                "batch_size": item.batch_size,
                "model": item.info.model,
                **item.options.data,
                **item.given.data,
            },
        )
        return self._tree.spans.open(start, self._span)

    async def _one(self, item: Item) -> JSON:
        """Make one sub-call; its result is durable before the guest sees it."""
        self._check_size(item)
        try:
            with self._open(item) as span:
                span.data = coverage.data(self._tree.spec, item.seen)
                span.result = await self._counted(item, span)
        except OnRecord as found:
            if found.limit is not None:
                self._tree.meter.exhaust(found.limit)
            return found.result()
        await self._tree.stream.commit()
        self._tree.answers.keep(item.key, item.info.model, span)
        return span.result

    async def _counted(self, item: Item, span: OpenSpan) -> JSON:
        """Make one sub-call, which counts the first time that the run comes to it."""
        try:
            self._tree.meter.count_sub_call(again=not span.fresh)
        except BudgetExhausted as error:
            raise self._refused(error, span, made=False) from error
        return await self._made(item, span)

    async def _made(self, item: Item, span: OpenSpan) -> JSON:
        """Make a sub-call that was counted, and name its failure for the cell."""
        try:
            if item.plain or item.meter is None:
                return await self._ask(item, span)
            return await self._recurse(item, item.meter, span)
        except BudgetExhausted as error:
            made = error.made or not item.plain
            if not made and span.fresh:  # refused before it was made, so that it does not count
                self._tree.meter.uncount_sub_call()
            raise self._refused(error, span, made=made, own=item.meter) from error
        except (ProviderError, NoAnswer, UnsupportedMedia, SandboxError) as error:
            span.fail(failure_of(error))
            raise Refused("SubCallError", f"{item.function} failed: {error}") from error

    def _refused(self, error: BudgetExhausted, span: OpenSpan, *, made: bool, own: Meter | None = None) -> Refused:
        """Close the span of a sub-call that the budget refused, this level's or its own, and tell the cell."""
        span.fail(Failure(code="budget", message=str(error)), status="error" if made else "refused")
        if own is not None and own.used_up:
            span.emit(own.state())
            return Refused("SubCallError", str(error))
        span.data = {**span.data, "limit": error.limit}
        span.emit(self._tree.meter.state())
        return Refused("BudgetExceeded", str(error))

    def _check_size(self, item: Item) -> None:
        """Refuse a prompt that no tokenizer could fit into the model's window; it costs the run nothing."""
        window = item.info.context_window
        size = len(item.prompt.encode("utf-8", "surrogatepass"))
        if item.plain and window is not None and size > window * BYTES_A_TOKEN_AT_MOST:
            message = (
                f"the prompt has {len(item.prompt):,} characters, too many for {item.info.model} ({window:,} tokens)"
            )
            raise Refused("ValueError", f"{message}; split it")

    async def _ask(self, item: Item, span: OpenSpan) -> JSON:
        """Ask a model one question; with a schema its reply is the JSON value that matches it."""
        async with self._tree.shelf.taken(item.options.media) as media:
            return await self._asked(item, media, span)

    async def _asked(self, item: Item, media: Sequence[Media], span: OpenSpan) -> JSON:
        schema = item.options.schema
        prompt = item.prompt if item.context is None else f"{item.prompt}\n\n{_as_text(item.context)}"
        prompt = prompt if schema is None else plain.in_form(prompt, schema)
        conversation = Conversation()
        conversation.add("system", plain.SYSTEM)
        conversation.add("user", prompt)
        conversation.show(media, item.info.model)

        def asked(info: ModelInfo) -> Prompt:
            refuse_blind(info, item.options.media)
            return conversation.prompt(None)

        question = Question(
            item.info,
            asked,
            "sub_call",
            join(item.path, "m"),
            output_tokens=SUB_CALL_OUTPUT_TOKENS,
            response_schema=schema,
        )
        first = (
            Message(role="system", content=plain.SYSTEM, purpose="system"),
            Message(role="user", content=prompt, purpose="prompt", media=list(item.options.media)),
        )
        found = await self._tree.answers.find(item.key, span)
        if found is not None:
            for message in first:
                span.say(message)
            return found.answer
        asker = self._tree.asker if item.meter is None else self._tree.asker.under(item.meter)
        reply = await asker.ask(question, span, first)
        if schema is not None:
            return await Repairs(asker, span, conversation, item.path).fitted(reply, question, schema)
        return reply.text + CUT if reply.cut else reply.text

    async def _recurse(self, item: Item, meter: Meter, span: OpenSpan) -> JSON:
        """Run a further RLM level, on a budget of its own."""
        context, open_context = _context(item.context)
        level = LevelSpec(
            task=item.prompt,
            info=item.info,
            depth=span.depth,
            path=item.path,
            context=context,
            open_context=open_context,
        )
        return await self._run_child(level, span, meter)


def _hash(item: Item) -> str:
    """Hash all that the answer of a sub-call follows from."""
    options = [data for data in (item.options.data, item.given.data) if data]
    return request_hash(item.function, item.plain, item.info.model, item.prompt, item.context, *options)


def _as_text(context: JSON) -> str:
    """Write a context into a prompt."""
    return context if isinstance(context, str) else json.dumps(context, ensure_ascii=False)


def _context(value: JSON) -> tuple[ContextInfo | None, ContextOpener]:
    """Make what a cell passed on the input of another level."""
    if value is None:
        return None, no_context
    kind = "text" if isinstance(value, str) else "json"
    data = (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")

    async def opened() -> ContextSource | None:
        return context_in_memory("text" if isinstance(value, str) else "json", [data])

    return ContextInfo("text" if kind == "text" else "json", len(data)), opened
