"""What the engine relies on in a provider; the scripted one and a real one both pass it."""

import asyncio
from contextlib import aclosing

import pytest

from rlmlab.engine.errors import UnknownModel
from rlmlab.engine.providers.base import ChatMessage, ChatRequest, Completed, Provider, Restarted, TextDelta

SUBMITTED = '```repl\nanswer["content"] = \'42\'\nanswer["ready"] = True\n```'
RECOVERED = '```repl\nanswer["content"] = \'recovered\'\nanswer["ready"] = True\n```'


def ask(model: str, **changes: object) -> ChatRequest:
    messages = (ChatMessage("system", 'In the REPL set answer["content"].'), ChatMessage("user", "How many?"))
    return ChatRequest(f"openai/{model}", messages, **{"max_tokens": 100, "timeout_seconds": 5.0, **changes})


class EngineProviderContract:
    """Subclasses give a `provider` that answers the model names of `tests.fakes.replies`."""

    async def test_deltas_add_up_to_the_text_that_ends_the_stream(self, provider: Provider) -> None:
        *deltas, last = [item async for item in provider.stream(ask("submit"))]
        assert isinstance(last, Completed)
        assert all(isinstance(delta, TextDelta) for delta in deltas)
        assert "".join(delta.text for delta in deltas) == last.text == SUBMITTED
        assert (last.finish_reason, last.attempts, last.usage.estimated) == ("stop", 1, False)
        assert last.usage.input_tokens > 0
        assert last.usage.output_tokens > 0

    async def test_restart_voids_what_was_streamed(self, provider: Provider) -> None:
        items = [item async for item in provider.stream(ask("cut-1"))]
        restarts = [number for number, item in enumerate(items) if isinstance(item, Restarted)]
        assert [items[number].attempt for number in restarts] == [2]
        assert "".join(item.text for item in items[restarts[0] + 1 : -1]) == items[-1].text == RECOVERED
        assert items[-1].attempts == 2

    async def test_cancel_ends_a_call_that_hangs(self, provider: Provider) -> None:
        async def consume() -> None:
            async with aclosing(provider.stream(ask("hold", timeout_seconds=60.0))) as items:
                async for _ in items:
                    pass

        task = asyncio.create_task(consume())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 1)

    async def test_unknown_prefix_is_refused(self, provider: Provider) -> None:
        with pytest.raises(UnknownModel, match="nobody/x"):
            provider.info("nobody/x")

    async def test_unlisted_model_has_no_price(self, provider: Provider) -> None:
        assert provider.info("openai/submit").price is None
