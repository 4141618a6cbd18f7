"""What every peer's driver does; runs inside the peer's own environment, so that it imports nothing of ours.

    python tests/benchmarks/peer_drivers/<peer>.py BASE_URL steps|setup|batch|large|recursive NUMBER

The scripted model server answers in order of arrival; the last line printed is JSON: `{"version", "seconds": […]}`, or
`{"version", "cannot": why}`. A warm-up run pays for imports and connections before anything is timed.
"""

import json
import sys
import time
import urllib.request
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, ClassVar

MODEL = "peer"
LOOK = 'middle = len({0}) // 2\nprint(middle, {0}[middle : middle + 40], {0}.count("play", 0, 10_000))'
TEXT = "All work and no play makes a long text of ASCII letters.\n"
CALLS = 64


class Peer:
    """A peer as it is driven: how its model writes code and submits, and how a run of it is made."""

    package: ClassVar[str]
    context = "context"
    no_recursion = ""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def code(self, source: str) -> str:
        """Return the reply of a model that runs code."""
        raise NotImplementedError

    def submit(self, expression: str) -> str:
        """Return the code that submits an expression's value."""
        raise NotImplementedError

    def batch(self, count: int) -> str:
        """Return the code that asks `count` plain questions at once, as `results`."""
        raise NotImplementedError

    def recursive(self) -> str:
        """Return the code that makes one recursive call, as `last`."""
        raise NotImplementedError

    def run(self, context: str) -> str:
        """Run to the end and return the answer."""
        raise NotImplementedError


def script(base_url: str, replies: Sequence[Any]) -> None:
    """Tell the server what to answer next, after everything before is forgotten."""
    for command, body in (("reset", {}), ("script", {"model": MODEL, "replies": list(replies)})):
        address = f"{base_url.removesuffix('/v1')}/control/{command}"
        with urllib.request.urlopen(address, json.dumps(body).encode()) as answer:  # noqa: S310 - our own
            answer.read()


def timed(peer: Peer, replies: Sequence[Any], expected: str, context: str = "text") -> float:
    """Time a run that gets these replies."""
    script(peer.base_url, replies)
    started = time.perf_counter()
    answer = peer.run(context)
    seconds = time.perf_counter() - started
    if str(answer) != expected:
        raise SystemExit(f"{peer.package} answered {answer!r}, expected {expected!r}")
    return seconds


def steps(peer: Peer, count: int) -> list[float]:
    """Run so many steps; the server knows when each began."""
    replies = [peer.code(f'print("turn", {number})') for number in range(count - 1)]
    return [timed(peer, [*replies, peer.code(peer.submit('"42"'))], "42")]


def setup(peer: Peer, rounds: int) -> list[float]:
    """Time runs of one step."""
    return [timed(peer, [peer.code(peer.submit('"42"'))], "42") for _ in range(rounds)]


def batch(peer: Peer, rounds: int) -> list[float]:
    """Time runs of one step that asks 64 questions of 100 ms."""
    cell = peer.code(f"{peer.batch(CALLS)}\n{peer.submit('str(len(results))')}")
    replies = [cell, *[{"text": "fine", "delay_seconds": 0.1}] * CALLS]
    return [timed(peer, replies, str(CALLS)) for _ in range(rounds)]


def large(peer: Peer, size: int) -> list[float]:
    """Time five steps over a text, and print a line when the memory before it may be weighed."""
    look = peer.code(LOOK.format(peer.context))
    replies = [*[look] * 4, peer.code(peer.submit('"seen"'))]
    print("begin", flush=True)
    time.sleep(0.5)
    text = (TEXT * (size // len(TEXT) + 1))[:size]
    return [timed(peer, replies, "seen", text)]


def recursive(peer: Peer, count: int) -> list[float]:
    """Time a run of one step that makes recursive calls one after another."""
    loop = "\n".join(f"    {line}" for line in peer.recursive().splitlines())
    cell = peer.code(f"for number in range({count}):\n{loop}\n{peer.submit('str(last)')}")
    return [timed(peer, [cell, *[peer.code(peer.submit('"leaf"'))] * count], "leaf")]


def main(make: type[Peer]) -> None:
    """Measure one thing and print it."""
    base_url, what, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    found: dict[str, Any] = {"version": version(make.package)}
    if what == "recursive" and make.no_recursion:
        found["cannot"] = make.no_recursion
    else:
        peer = make(base_url)
        setup(peer, 1)
        found["seconds"] = {"steps": steps, "setup": setup, "batch": batch, "large": large, "recursive": recursive}[
            what
        ](peer, number)
    print(json.dumps(found), flush=True)
