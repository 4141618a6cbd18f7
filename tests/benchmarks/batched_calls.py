"""64 calls of 100 ms at once: the lean provider against a bare asyncio HTTP loop, in the same process.

    python -m tests.benchmarks.batched_calls

Prints seconds and the ratio, cold (connections are made) and warm; at most 1.35 is wanted.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from rlmlab.engine.providers.base import ChatMessage, ChatRequest, ModelInfo
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, body_of, fixed

CALLS = 64
ROUNDS = 9
Call = Callable[[int], Awaitable[None]]


def request(number: int) -> ChatRequest:
    """Build one of the calls."""
    return ChatRequest("openai/delay-100", (ChatMessage("user", f"item {number}"),), max_tokens=100)


def bare_loop(base_url: str) -> Call:
    """Make calls with asyncio's streams alone; connections are kept."""
    port = urlsplit(base_url).port
    kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def call(number: int) -> None:
        reader, writer = kept.pop() if kept else await asyncio.open_connection("127.0.0.1", port)
        body = json.dumps(body_of(request(number), Endpoint(base_url))).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await reader.readuntil(b"\r\n\r\n")
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
        kept.append((reader, writer))

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


async def measure(base_url: str) -> None:
    """Print the comparison; the rounds alternate, so that other load of the machine falls on both."""
    provider = LeanProvider(fixed(Endpoint(base_url)), lambda model: ModelInfo(model, None))
    bare, lean = bare_loop(base_url), lean_loop(provider)
    rounds = [(await timed(bare), await timed(lean)) for _ in range(ROUNDS)]
    await provider.close()
    for name, chosen in (("cold", rounds[:1]), ("warm", rounds[1:])):
        floor, ours = (statistics.median(seconds) for seconds in zip(*chosen, strict=True))
        print(f"{name}: bare {floor:.3f} s, lean {ours:.3f} s, ratio {ours / floor:.2f}")


def main() -> None:
    """Start the server in a process of its own and measure."""
    command = [sys.executable, "-m", "tests.fakes.model_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        asyncio.run(measure(process.stdout.readline().strip()))
        process.terminate()


if __name__ == "__main__":
    main()
