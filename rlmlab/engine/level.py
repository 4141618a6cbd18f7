"""The loop of one RLM level: model call, code, observation, until an answer is submitted or a limit ends it."""

from dataclasses import asdict, dataclass
from typing import Any

from rlmlab.engine import coverage, normalise, structured
from rlmlab.engine.budget import FALLBACK_OUTPUT_TOKENS, STEP_OUTPUT_TOKENS, Meter
from rlmlab.engine.calls import Reply
from rlmlab.engine.cellhost import CellHost, functions
from rlmlab.engine.children import finish
from rlmlab.engine.compaction import Compactor
from rlmlab.engine.conversation import Conversation, Prompt
from rlmlab.engine.errors import BudgetExhausted, UnfitReply
from rlmlab.engine.events import Answer, Code, Failure, Log, Memory, Message
from rlmlab.engine.fallbacks import Question
from rlmlab.engine.observations import CellView, observe
from rlmlab.engine.output import OutputBuffer
from rlmlab.engine.parsing import parse
from rlmlab.engine.places import Place, join
from rlmlab.engine.prompts import opening, texts
from rlmlab.engine.prompts.tools import taught
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.record import RecordedSpan
from rlmlab.engine.repairs import Repairs
from rlmlab.engine.repl import Repl
from rlmlab.engine.spans import OpenSpan, SpanStart
from rlmlab.engine.steps import opened_step
from rlmlab.engine.tools import native
from rlmlab.engine.tree import LevelSpec, Tree
from rlmlab.engine.types import Edit
from sandbox.base import CellResult, SessionSpec

WINDOW_OUTPUT_SHARE = 4  # a quarter of a small window is kept for the reply


@dataclass(frozen=True, slots=True)
class Submitted:
    """An answer, and that there is one."""

    content: Any


@dataclass(frozen=True, slots=True)
class Ran:
    """A cell that ran: what the model is told of it, and the answer it submitted."""

    text: str
    submitted: Submitted | None
    calls: int
    ok: bool


class Level:
    """One level; the root's task or that of an `rlm_query`."""

    def __init__(self, tree: Tree, spec: LevelSpec, span: OpenSpan) -> None:
        self._tree = tree
        self._spec = spec
        self._span = span
        self._record = tree.spans.record
        self._shared = self._record.shared_steps(spec.path)  # steps of another run, which this one goes on from
        self._cells = 0
        self._conversation = Conversation()
        self._compactor = Compactor(tree, spec.info, self._conversation)
        session = SessionSpec(
            tree.spec.profile,
            functions=functions(tree),
            tree=str(tree.spec.run_id),
            depth=spec.depth,
            coverage=spec.depth == 0,
        )
        self._repl = Repl(tree.environment, session, spec.open_context)

    def open(self) -> None:
        """Say what the model is told at the start; examples and notes of earlier runs concern the root's task only."""
        spec, tree = self._spec, self._tree
        left = texts.left_line(tree.meter.left(step=0, depth=spec.depth))
        task = texts.task_message(spec.task, spec.context, spec.response_schema, left)
        sub_calls = tree.spec.mode == "rlm"
        system = opening.system_text(spec.info, tree.spec.system_prompt, memory=tree.memory, sub_calls=sub_calls)
        system += taught(native.tools_of(tree), small=spec.info.small)
        self._say(self._span, Message(role="system", content=system, purpose="system"))
        for role, content in opening.examples(spec.info):
            shown = Message(role="assistant" if role == "assistant" else "user", content=content, purpose="example")
            self._say(self._span, shown)
        if spec.depth == 0:
            self._show_earlier()
        self._say(self._span, Message(role="user", content=task, purpose="task"))
        self._conversation.end_head()

    def _show_earlier(self) -> None:
        """Show what was chosen from earlier runs: worked examples, and with a memory its pinned notes."""
        tree, window = self._tree, self._spec.info.context_window
        examples = opening.worked(tree.spec.examples, window)
        if examples.text:
            self._say(self._span, Message(role="user", content=examples.text, purpose="example"))
        self._tell_dropped("examples", examples.dropped)
        if not tree.memory:
            return
        notes = opening.notes(tree.spec.pinned_memories, window)
        if notes.text:
            self._say(self._span, Message(role="user", content=notes.text, purpose="memory"))
            shown = [asdict(item) for item in tree.spec.pinned_memories if item.id in notes.ids]
            if not self._record:
                self._span.emit(Memory(action="recalled", data={"pinned": True, "items": shown}))
        self._tell_dropped("memories", notes.dropped)

    def _tell_dropped(self, what: str, ids: tuple[str, ...]) -> None:
        """Record what was chosen and could not be shown."""
        if ids and not self._record:
            message = f"{len(ids)} {what} did not fit a quarter of the model's window and were left out"
            self._span.emit(Log(level="warning", message=message, data={"code": f"{what}_dropped", "ids": list(ids)}))

    async def run(self) -> Submitted | None:
        """Go on until an answer is submitted; None when the steps are used up.

        Raises:
            BudgetExhausted: the run's budget is used up.
            ProviderError: the model cannot be called.
            SandboxError: the environment cannot be used.
        """
        ended = self._record.span(self._spec.path)
        if ended is not None and ended.answer is not None and ended.answer.dialect != "fallback":
            return Submitted(ended.answer.content)
        if self._record.fell_back(self._spec.path):
            self._recollect()
            return None
        try:
            for number in range(1, self._shared + self._tree.meter.budget.max_steps + 1):
                submitted = await self._step(number)
                if submitted is not None:
                    return submitted
            return None
        finally:
            await self._repl.close()

    def _recollect(self) -> None:
        """Rebuild the conversation of a level whose last call is all that is left to do: its cells need not run."""
        number = 1
        while (step := self._record.span(join(self._spec.path, number))) is not None:
            reply = self._tree.asker.on_record(self._question(step.started.path), self._span)
            if reply is not None:
                self._add(reply)
            for message in self._record.messages(step.started.path):
                self._compactor.recollect(message)
            number += 1

    async def fallback(self, limit: str, *, held: bool) -> Submitted | None:
        """Ask once for the best answer so far; None when the reply is none.

        Raises:
            BudgetExhausted: not even that call fits.
            ProviderError: the model cannot be called.
        """
        spec, meter = self._spec, self._tree.meter
        request = texts.fallback_request(limit, spec.response_schema)
        self._say(self._span, Message(role="user", content=request, purpose="fallback"))

        def prompt(info: ModelInfo) -> Prompt:
            rooms = (meter.room(info.price), _window_room(info, FALLBACK_OUTPUT_TOKENS))
            return native.flat(self._conversation.prompt(min(room for room in rooms if room is not None)))

        question = Question(
            spec.info,
            prompt,
            "fallback",
            join(spec.path, "f"),
            output_tokens=FALLBACK_OUTPUT_TOKENS,
            held=held,
            response_schema=spec.response_schema,
        )
        reply = await self._tree.asker.ask(question, self._span)
        content: Any = reply.text.strip()
        if not content:
            return None
        if spec.response_schema is not None:
            repairs = Repairs(self._tree.asker, self._span, self._conversation, question.path)
            try:
                content = await repairs.fitted(reply, question, spec.response_schema)
            except (UnfitReply, BudgetExhausted):
                return None
        return self._submit(content, "fallback")

    def _question(self, path: str) -> Question:
        """Ask for the code of a step."""

        def prompt(info: ModelInfo) -> Prompt:
            return native.fit(self._conversation.prompt(_window_room(info, STEP_OUTPUT_TOKENS)), info, self._tree)

        return Question(self._spec.info, prompt, "step", join(path, "m"), output_tokens=STEP_OUTPUT_TOKENS)

    async def _step(self, number: int) -> Submitted | None:
        """Take one turn: again, from the record, where the run was here before."""
        tree, path = self._tree, join(self._spec.path, number)
        start = SpanStart("step", f"step {number}", path, self._spec.depth, {"number": number})
        if number == self._shared + 1 and self._shared and self._spec.depth == 0:
            self._say(self._span, Message(role="user", content=texts.going_on(self._left(number - 1)), purpose="nudge"))
        question = self._question(path)
        reply = tree.asker.on_record(question, self._span)
        if reply is None and (tree.spec.edit is None or tree.spec.edit.path != path):
            async with tree.asker.asking(question) as asking:
                with opened_step(tree, start, self._span, again=False) as span:
                    submitted = await self._take(await asking.reply(span), number, span)
        else:
            with opened_step(tree, start, self._span, again=True) as span:
                submitted = await self._take(reply or _edited(tree.spec.edit, span), number, span)
        if submitted is None and span.recorded is None:
            tree.meter.check()
        return submitted

    async def _take(self, reply: Reply, number: int, span: OpenSpan) -> Submitted | None:
        """Act on the reply of a step."""
        self._add(reply)
        await self._tree.stream.commit()  # paid: on record before its code can do anything
        for answer in await native.answer_calls(self._tree, self._spec, reply.tool_calls, span):
            self._say(span, answer)
        return await self._act(reply, number, span)

    def _add(self, reply: Reply) -> None:
        """Add a reply to the conversation; most providers refuse one that says nothing."""
        said = reply.text or ("" if reply.tool_calls else " ")
        self._conversation.add("assistant", said, tool_calls=reply.tool_calls)

    def _left(self, number: int) -> str:
        """Tell what is left after a step; another run's steps do not count."""
        return texts.left_line(self._tree.meter.left(step=number - self._shared, depth=self._spec.depth))

    async def _act(self, reply: Reply, number: int, span: OpenSpan) -> Submitted | None:
        """Run the cells of a reply in order, up to one that submits or fails, and tell the model what they did."""
        parsed = parse(reply.text)
        cut = parsed.unclosed and reply.cut
        cells = parsed.cells[:-1] if cut else parsed.cells
        told: list[str] = []
        acted = bool(cells or reply.tool_calls)
        place = Place(span.path, self._spec.depth, number, 0)
        for index, code in enumerate(cells, start=1):
            ran = await self._cell(code, place, index, span)
            place = Place(place.step_path, place.depth, number, place.calls_before + ran.calls)
            if ran.submitted is not None:
                span.emit(self._tree.meter.state())
                return ran.submitted
            told.append(ran.text if len(cells) == 1 else f"[Block {index}]\n{ran.text}")
            if not ran.ok or self._tree.meter.exhausted is not None:
                told += [texts.SKIPPED] if index < len(cells) or cut else []
                break
        else:
            told += [texts.CUT_CODE] if cut else ([] if acted else [texts.NO_CODE])
        told.append(self._left(number))
        self._say(span, Message(role="user", content="\n\n".join(told), purpose="observation" if acted else "nudge"))
        if number - self._shared < self._tree.meter.budget.max_steps:
            await self._compactor.after(span)
        span.emit(self._tree.meter.state())
        return None

    async def _cell(self, code: str, place: Place, index: int, step: OpenSpan) -> Ran:
        """Run one cell inside a span of its own; one that is on record runs again, to rebuild the REPL."""
        self._cells += 1
        name = f"cell {self._cells}"
        start = SpanStart("execution", name, join(step.path, f"c{index}"), step.depth, {"cell": self._cells})
        with self._tree.spans.open(start, step, same=lambda found: _again(found, code, step)) as span:
            if span.recorded is not None and _was_killed(span.recorded):
                await self._repl.close()  # as it was; the observation of it is on record
                return Ran("", None, 0, ok=False)
            span.emit(Code(cell=self._cells, code=code))
            view = CellView(code)
            output = OutputBuffer(span, view)
            host = CellHost(self._tree, place, span, run_child=self._child, before=output.flush)
            host.open_context = self._spec.open_context
            host.history = self._conversation.history
            try:
                result = await self._repl.execute(code, handler=host.serve, on_output=output.write)
            finally:
                output.flush()
                await host.close()
            if host.fatal is not None:
                raise host.fatal
            output.finish(result)
            _record(span, result)
            span.data |= coverage.data(self._tree.spec, result.seen)
            _compare(span, output)
        submitted, nudge = self._answer(result)
        told = [observe(view, result, self._repl.profile), texts.found_nothing(host.recalls)]
        text = "\n".join(filter(None, told))
        return Ran(f"{text}\n\n{nudge}" if nudge else text, submitted, host.calls, result.status == "ok")

    def _answer(self, result: CellResult) -> tuple[Submitted | None, str | None]:
        """Take a submitted answer, or say what is wrong with it."""
        if not (result.alive and result.submission.ready):
            return None, None
        content = normalise.data(result.submission.content)
        if self._spec.response_schema is not None:
            content, problem = structured.fit(content, self._spec.response_schema)
            if problem is not None:
                return None, texts.schema_nudge(problem)
        elif content is None or content == "":
            return None, texts.EMPTY_ANSWER
        return self._submit(content, result.submission.dialect), None

    def _submit(self, content: Any, dialect: Any) -> Submitted:
        known = self._record.span(self._spec.path)
        if known is not None and known.answer is not None:
            return Submitted(known.answer.content)
        self._span.emit(Answer(content=content, dialect=dialect))
        return Submitted(content)

    async def _child(self, spec: LevelSpec, span: OpenSpan, meter: Meter) -> Any:
        """Run an `rlm_query` as a level like this one, on a budget of its own."""
        meter.take_up(self._record.spent(spec.path))
        meter.hold_fallback(spec.info.price)
        level = Level(self._tree.under(meter), spec, span)
        level.open()
        return (await finish(level, meter, span)).content

    def _say(self, span: OpenSpan, message: Message) -> None:
        """Record a message and add it to the conversation as it is stored, or as it stands on record."""
        said = span.say(message)
        self._conversation.add(said.role, normalise.text(said.content), tool_call_id=said.tool_call_id)


def _again(found: RecordedSpan, code: str, step: OpenSpan) -> bool:
    """Tell whether a cell on record is this one; a killed one is, where the observation of it is on record too."""
    return found.code == code and (step.recorded is not None or not _was_killed(found))


def _was_killed(found: RecordedSpan) -> bool:
    """Tell whether a cell on record was killed, and with it the REPL."""
    return found.finished is not None and str(found.finished.data.get("status")).startswith("killed")


def _edited(edit: Edit | None, span: OpenSpan) -> Reply:
    """Take a person's code for the reply of a step."""
    code = "" if edit is None else edit.code
    said = span.say(Message(role="assistant", content=f"```repl\n{code}\n```", purpose="edit"))
    return Reply(said.content, cut=False)


def _compare(span: OpenSpan, output: OutputBuffer) -> None:
    """Tell where a cell that ran again printed something else than is on record."""
    if span.recorded is not None and span.recorded.output.digest() != output.digest.digest():
        span.tell_divergence("the cell printed something else than is on record", span.path)


def _window_room(info: ModelInfo, output_tokens: int) -> int | None:
    """Bound the prompt so that the model's window has room for a reply; None where the window is not known."""
    window = info.context_window
    return None if window is None else window - min(output_tokens, window // WINDOW_OUTPUT_SHARE)


def _record(span: OpenSpan, result: CellResult) -> None:
    """Note how a cell ended and what it used."""
    usage = result.usage
    span.data = {
        "status": result.status,
        "cpu_seconds": usage.cpu_seconds,
        "peak_memory_bytes": usage.peak_memory_bytes,
        "usage_source": usage.source,
        "truncated_bytes": dict(result.truncated_bytes),
    }
    if result.status != "ok":
        error = result.error
        message = "The cell was killed" if error is None else f"{error.type}: {error.message}"
        span.fail(Failure(code=f"cell_{result.status}", message=message[:1000]))
