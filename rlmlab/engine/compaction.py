"""Shortens the conversation of a level that grows long: a summary by the model stands for the oldest turns.

What was said stays in the REPL as `history()`. Where there is no summary (a tiny model, a call that fails or that the
budget does not allow), nothing happens, and turns are left out when the window is full, as they would be without it.
"""

from rlmlab.engine import normalise
from rlmlab.engine.conversation import Conversation, Prompt
from rlmlab.engine.errors import BudgetExhausted, ProviderError
from rlmlab.engine.events import Log, Message
from rlmlab.engine.fallbacks import Question
from rlmlab.engine.places import join
from rlmlab.engine.prompts import summaries
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.spans import OpenSpan
from rlmlab.engine.tools import native
from rlmlab.engine.tree import Tree

SUMMARY_OUTPUT_TOKENS = 2048
KEPT = 4  # the latest turns stay, as far as they take a quarter of the threshold
WORTH = 4  # what can be left out must be at least a quarter of it, or a summary saves nothing


class Compactor:
    """Watches the conversation of one level."""

    def __init__(self, tree: Tree, info: ModelInfo, conversation: Conversation) -> None:
        self._tree = tree
        self._info = info
        self._conversation = conversation
        self._threshold = tree.spec.compaction.threshold(info.context_window)
        self._next = self._threshold

    async def after(self, step: OpenSpan) -> None:
        """Have the turns so far summarised when they have grown too long; told at the end of a step.

        Raises:
            LostLease: another worker owns the run.
        """
        if any(message.purpose == "summary" for message in step.told):
            while (said := step.told.popleft()).purpose != "summary":
                pass
            self.remember(said)
        elif step.recorded is None and self._due():
            await self._summarise(step)

    def recollect(self, said: Message) -> None:
        """Take what a step said, of a level that is only rebuilt."""
        if said.purpose == "summary":
            self.remember(said)
        elif said.purpose != "summarise":
            self._conversation.add(said.role, said.content, tool_call_id=said.tool_call_id)

    def remember(self, said: Message) -> None:
        """Let a summary stand for the turns before it."""
        self._conversation.summarise(normalise.text(said.content), self._threshold // KEPT)
        self._next = self._threshold

    def _due(self) -> bool:
        """Tell whether a summary is worth its call: of a tiny model it is not, nor when little is left to spend."""
        bound = self._conversation.bound
        if bound <= self._next or self._info.small or self._tree.meter.exhausted is not None:
            return False
        worth = self._conversation.older(self._threshold // KEPT) >= self._threshold // WORTH
        return worth and self._tree.meter.tokens_left > 2 * self._tree.meter.prompt_tokens(bound)

    async def _summarise(self, step: OpenSpan) -> None:
        """Ask for a summary; without one, ask again only after the conversation has grown by as much as one saves."""
        output = min(SUMMARY_OUTPUT_TOKENS, self._threshold // WORTH)
        asked = self._conversation.followed_by("user", summaries.REQUEST)

        def prompt(info: ModelInfo) -> Prompt:
            window = info.context_window
            return native.flat(asked.prompt(None if window is None else window - output))

        path = join(step.path, "h")
        question = Question(self._info, prompt, "compaction", path, output_tokens=output, optional=True)
        first = (Message(role="user", content=summaries.REQUEST, purpose="summarise"),)
        try:
            reply = await self._tree.asker.ask(question, step, first)
            if not reply.text.strip():
                raise ProviderError("the reply was empty")
        except (BudgetExhausted, ProviderError) as error:
            message = f"The turns so far were not summarised: {error}"
            step.emit(Log(level="warning", message=message, data={"code": "not_summarised", "reason": str(error)}))
            self._next = self._conversation.bound + self._threshold // WORTH
            return
        content = summaries.told(reply.text, cut=reply.cut)
        self.remember(step.say(Message(role="user", content=content, purpose="summary")))
        await self._tree.stream.commit()
