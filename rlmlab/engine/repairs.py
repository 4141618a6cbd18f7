"""Has a model mend a reply that does not match the JSON Schema that was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rlmlab.engine import normalise, structured
from rlmlab.engine.calls import Reply
from rlmlab.engine.conversation import Conversation
from rlmlab.engine.errors import BudgetExhausted, UnfitReply
from rlmlab.engine.events import Message
from rlmlab.engine.fallbacks import Asker, Question
from rlmlab.engine.places import join
from rlmlab.engine.prompts import plain
from rlmlab.engine.spans import OpenSpan

MOST_REPAIRS = 2


@dataclass(frozen=True, slots=True)
class Repairs:
    """The conversation of one question, in which its reply is mended; `span` is where it stands.

    `path` is the call path below which the repairs stand: `<path>/r1`, `<path>/r2`.
    """

    asker: Asker
    span: OpenSpan
    conversation: Conversation
    path: str

    async def fitted(self, reply: Reply, question: Question, schema: Mapping[str, Any]) -> Any:
        """Return the JSON value of a reply to `question`; where it does not match, tell the model how, and ask again.

        The question's prompt must be read from this conversation, so that it contains what was said since.

        Raises:
            UnfitReply: it does not match after `MOST_REPAIRS` either; the message names the first difference.
            BudgetExhausted: `made`, for a repair does not fit into the budget.
            ProviderError: a repair failed for good.
        """
        for number in range(1, MOST_REPAIRS + 1):
            value, problem = structured.fit_reply(reply.text, schema, cut=reply.cut)
            if problem is None:
                return value
            reply = await self._mended(number, reply, problem, question)
        value, problem = structured.fit_reply(reply.text, schema, cut=reply.cut)
        if problem is not None:
            raise UnfitReply(f"the reply does not match the schema after {MOST_REPAIRS} repairs: {problem}")
        return value

    async def _mended(self, number: int, reply: Reply, problem: str, question: Question) -> Reply:
        """Answer a reply with what is wrong with it, and return the next one."""
        told = Message(role="user", content=normalise.text(plain.repair(problem)), purpose="repair")
        self.conversation.add("assistant", reply.text or " ")
        self.conversation.add("user", told.content)
        again = replace(question, purpose="repair", path=join(self.path, f"r{number}"))
        try:
            return await self.asker.ask(again, self.span, [told])
        except BudgetExhausted as error:
            error.made = True
            raise
