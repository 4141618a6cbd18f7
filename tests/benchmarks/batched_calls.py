"""64 calls of 100 ms at once: the lean provider against a bare asyncio HTTP loop, in the same process.

    python -m tests.benchmarks.batched_calls [--quick]

Cold, where connections are made, and warm. The rounds alternate, so that other load of the machine falls on both.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable

from rlmlab.engine.providers.base import ChatMessage, ChatRequest, ModelInfo
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, body_of, fixed
from tests.benchmarks.figures import figure, heading, options
from tests.benchmarks.stage import BareClient, model_process

CALLS = 64
Call = Callable[[int], Awaitable[None]]


def request(number: int) -> ChatRequest:
    """Build one of the calls."""
    return ChatRequest("openai/delay-100", (ChatMessage("user", f"item {number}"),), max_tokens=100)


def bare_loop(client: BareClient, base_url: str) -> Call:
    """Make calls with asyncio's streams alone."""

    async def call(number: int) -> None:
        await client.post(
            json.dumps(body_of(request(number), Endpoint(base_url), ModelInfo("openai/delay-100", None))).encode()
        )

    return call


def lean_loop(provider: LeanProvider) -> Call:
    """Make the same calls through the provider."""

    async def call(number: int) -> None:
        async for _ in provider.stream(request(number)):
            pass

    return call


async def timed(call: Call) -> float:
    """Time a round of calls."""
    started = time.perf_counter()
    await asyncio.gather(*(call(number) for number in range(CALLS)))
    return time.perf_counter() - started


async def measure(base_url: str, *, quick: bool) -> None:
    """Compare."""
    client = BareClient(base_url)
    provider = LeanProvider(fixed(Endpoint(base_url)), lambda model: ModelInfo(model, None))
    bare, lean = bare_loop(client, base_url), lean_loop(provider)
    rounds = [(await timed(bare), await timed(lean)) for _ in range(2 if quick else 9)]
    await provider.close()
    client.close()
    for name, chosen in (("cold", rounds[:1]), ("warm", rounds[1:])):
        floor, ours = (statistics.median(seconds) for seconds in zip(*chosen, strict=True))
        shown = f"{ours:.3f} s, ratio {ours / floor:.2f}"
        figure(f"{CALLS} calls, {name}", shown, against=f"a bare loop of {floor:.3f} s", limit="ratio <= 1.35")


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("batched_calls", quick=found.quick)
    with model_process() as model:
        asyncio.run(measure(model.base_url, quick=found.quick))


if __name__ == "__main__":
    main()
