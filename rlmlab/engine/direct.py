"""A run in one call: the model is shown the whole input, and its reply is the answer.

It is what a REPL is measured against, and the cheaper way where the input is short. An input that does not fit the
model's window is refused before anything is paid.
"""

import json
import os
from typing import Any

from rlmlab.engine import coverage, normalise, structured
from rlmlab.engine.budget import STEP_OUTPUT_TOKENS, text_bound
from rlmlab.engine.calls import Reply
from rlmlab.engine.conversation import Conversation, Prompt
from rlmlab.engine.errors import BudgetExhausted, InputTooLarge, NoAnswer
from rlmlab.engine.events import Answer, Log, Message
from rlmlab.engine.fallbacks import Question
from rlmlab.engine.level import WINDOW_OUTPUT_SHARE, Submitted
from rlmlab.engine.media import LARGEST_CALL, MOST_ITEMS, refuse_blind
from rlmlab.engine.places import join
from rlmlab.engine.prompts import direct as texts
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.spans import OpenSpan, SpanStart
from rlmlab.engine.steps import opened_step
from rlmlab.engine.tree import LevelSpec, Tree
from sandbox.base import ContextSource

MOST_BYTES = 8 << 20  # of an input, also where the model's window is not known
MOST_TRIES = 3  # replies that do not match the schema, or are empty


class Direct:
    """The root's work without a REPL; each try is a step with its model call."""

    def __init__(self, tree: Tree, spec: LevelSpec, span: OpenSpan) -> None:
        self._tree = tree
        self._spec = spec
        self._span = span
        self._conversation = Conversation()
        self._problem = "no reply"

    def open(self) -> None:
        """Refuse what cannot fit, and say what the model is told first.

        Raises:
            InputTooLarge: the input is larger than the model's window.
        """
        size = 0 if self._spec.context is None else self._spec.context.size - self._check_media()
        if size > MOST_BYTES:
            raise InputTooLarge(f"The input has {size:,} bytes; a direct run takes {MOST_BYTES:,}. Use the mode rlm")
        refuse_too_large(self._spec.info, -(-size // 3))
        self._say(self._span, Message(role="system", content=texts.SYSTEM, purpose="system"))

    async def run(self) -> Submitted | None:
        """Ask until the reply is an answer.

        Raises:
            BudgetExhausted: the run's budget does not allow the call.
            InputTooLarge: task and input do not fit the model's window.
            NoAnswer: no reply matched the schema.
            ProviderError: the model cannot be called.
        """
        spec, ended = self._spec, self._tree.spans.record.span(self._spec.path)
        if ended is not None and ended.answer is not None:
            return Submitted(ended.answer.content)
        inputs = read(await spec.open_context())
        message = texts.message(spec.task, inputs, spec.response_schema)
        files = self._tree.shelf.files
        self._say(self._span, Message(role="user", content=message, purpose="task", media=list(files)))
        async with self._tree.shelf.taken(files) as media:
            self._conversation.show(media, spec.info.model)
            self._prompt(spec.info)
            return await self._tries()

    async def _tries(self) -> Submitted | None:
        for number in range(1, min(MOST_TRIES, self._tree.meter.budget.max_steps) + 1):
            submitted = await self._step(number)
            if submitted is not None:
                return submitted
            self._tree.meter.check()
        raise NoAnswer(f"The model gave no answer: {self._problem}")

    def _check_media(self) -> int:
        """Return the bytes of the input's images and sounds, which are sent beside the text.

        Raises:
            InputTooLarge: they are more than a call takes.
            UnsupportedMedia: the model takes none.
        """
        files = self._tree.shelf.files
        refuse_blind(self._spec.info, files)
        size = sum(file.size for file in files)
        if size > LARGEST_CALL or len(files) > MOST_ITEMS:
            raise InputTooLarge(
                f"The input has {len(files)} images and sounds of {size:,} bytes; a direct run takes {MOST_ITEMS} of "
                f"{LARGEST_CALL:,}. Use the mode rlm"
            )
        return size

    async def fallback(self, limit: str, *, held: bool) -> Submitted | None:  # noqa: ARG002 - as `Level.fallback`
        """Refuse: a last call would cost what the run could not afford, the whole input again.

        Raises:
            BudgetExhausted: always.
        """
        raise BudgetExhausted(limit, "A direct run has no last call")

    async def _step(self, number: int) -> Submitted | None:
        """Ask once."""
        spec, tree = self._spec, self._tree
        path = join(spec.path, number)
        question = Question(
            spec.info,
            self._prompt,
            "step",
            join(path, "m"),
            output_tokens=STEP_OUTPUT_TOKENS,
            response_schema=spec.response_schema,
        )
        start = SpanStart("step", f"step {number}", path, spec.depth, {"number": number})
        reply = tree.asker.on_record(question, self._span)
        if reply is not None:
            with opened_step(tree, start, self._span, again=True) as span:
                return self._take(reply, span)
        async with tree.asker.asking(question) as asking:
            with opened_step(tree, start, self._span, again=False) as span:
                reply = await asking.reply(span)
                await tree.stream.commit()
                return self._take(reply, span)

    def _take(self, reply: Reply, span: OpenSpan) -> Submitted | None:
        """Take a reply as the answer, or ask again."""
        self._conversation.add("assistant", reply.text or " ")
        span.data |= coverage.whole(self._spec.context)
        if reply.cut:
            message = "The answer was cut at the output limit"
            span.emit(Log(level="warning", message=message, data={"code": "answer_cut"}))
        return self._answer(reply.text.strip(), span, cut=reply.cut)

    def _answer(self, content: Any, span: OpenSpan, *, cut: bool) -> Submitted | None:
        """Take a reply as the answer, or say what is wrong with it."""
        problem, nudge = ("it was empty", texts.EMPTY) if not content else (None, "")
        if problem is None and self._spec.response_schema is not None:
            content, problem = structured.fit_reply(content, self._spec.response_schema, cut=cut)
            nudge = texts.mismatch(problem or "")
        if problem is None:
            self._span.emit(Answer(content=content, dialect="direct"))
        else:
            self._problem = problem
            self._say(span, Message(role="user", content=nudge, purpose="nudge"))
        span.emit(self._tree.meter.state())
        return Submitted(content) if problem is None else None

    def _prompt(self, info: ModelInfo) -> Prompt:
        """Return what to send to a model whose window holds it.

        Raises:
            InputTooLarge: it does not; of a model in another's place, too.
            UnsupportedMedia: it takes no images or no sounds, and there are some.
        """
        refuse_blind(info, self._tree.shelf.files)
        prompt = self._conversation.prompt(None)
        refuse_too_large(info, prompt.bound)
        return prompt

    def _say(self, span: OpenSpan, message: Message) -> None:
        """Record a message and add it to the conversation as it is stored, or as it stands on record."""
        said = span.say(message)
        self._conversation.add(said.role, normalise.text(said.content))


def refuse_too_large(info: ModelInfo, bound: int) -> None:
    """Go on only if a prompt of at most `bound` tokens leaves a model room to answer.

    Raises:
        InputTooLarge: it does not.
    """
    room = room_of(info)
    if room is not None and bound > room:
        raise InputTooLarge(
            f"The input may have {bound:,} tokens, and {info.model} has room for {room:,} of {info.context_window:,} "
            "beside its answer. Nothing was called. Use the mode rlm or repl, which read the input piece by piece"
        )


def room_of(info: ModelInfo) -> int | None:
    """Return how many tokens of input leave a model room to answer; None where its window is not known."""
    window = info.context_window
    if window is None:
        return None
    return max(0, window - min(STEP_OUTPUT_TOKENS, window // WINDOW_OUTPUT_SHARE) - text_bound(texts.SYSTEM))


def read(source: ContextSource | None) -> list[tuple[str, str]]:
    """Read an input as text, by name where it is files, and close it."""
    if source is None:
        return []
    try:
        data = os.pread(source.fd, source.size, 0)
    finally:
        os.close(source.fd)
    if source.kind == "files":
        return [
            (part.name, data[part.offset : part.offset + part.length].decode("utf-8", "surrogateescape"))
            for part in source.parts
        ]
    text = data.decode("utf-8", "surrogatepass")
    return [("", json.dumps(json.loads(text), ensure_ascii=False) if source.kind == "json" else text)]
