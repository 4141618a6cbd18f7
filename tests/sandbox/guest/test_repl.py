"""The guest's loop without its jail, in a thread of the test, host side spoken by hand."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.guest.repl import Repl
from sandbox.guest.restricted import facades
from sandbox.guest.restricted.language import RestrictedLanguage
from sandbox.guest.wire import Channel, ChannelClosed

DATA = Path(__file__).parent.parent
IDIOMS = json.loads((DATA / "idioms.json").read_text("utf-8"))
ESCAPES = [
    entry
    for entry in json.loads((DATA / "redteam.json").read_text("utf-8"))
    if entry["category"] == "escape" and entry["expect"] != "ok"
]
OPENING = {"functions": ["llm_query", "search"], "output_bytes": 10_000, "memory_bytes": 64 << 20, "context": None}


class Host:
    """Speaks frames to one guest."""

    def __init__(self) -> None:
        facades.preload()
        self._socket, guest = socket.socketpair()
        self._channel = Channel(self._socket.fileno())
        self._guest = Channel(guest.fileno())
        self._guest_socket = guest
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        try:
            Repl(self._guest, RestrictedLanguage(), OPENING, "input").serve()
        except ChannelClosed:
            self._guest_socket.close()

    def execute(self, code: str, *answers: dict[str, Any], cell: int = 1) -> list[dict[str, Any]]:
        """Run a cell, give the answers to its calls, return every frame."""
        self._channel.send({"t": "execute", "cell": cell, "code": code})
        frames, left = [], list(answers)
        while not frames or frames[-1]["t"] != "done":
            frames.append(self._channel.receive())
            if frames[-1]["t"] == "call":
                self._channel.send(left.pop(0))
        return frames

    def send(self, frame: dict[str, Any]) -> None:
        self._channel.send(frame)

    def close(self) -> None:
        self._socket.close()
        self.thread.join(5)
        assert not self.thread.is_alive()


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.close()


def test_cell_ends_with_its_number_and_submission(host: Host) -> None:
    assert host.execute("FINAL(context)", cell=7) == [
        {
            "t": "done",
            "cell": 7,
            "error": None,
            "submission": {"content": "input", "ready": True, "dialect": "FINAL"},
            "truncated": {},
        }
    ]


def test_calls_flush_output_first_and_count(host: Host) -> None:
    frames = host.execute(
        "print('a')\nx = llm_query('p')\nsearch(x, k=1)", {"t": "return", "value": "r"}, {"t": "return", "value": [2]}
    )
    assert [frame["t"] for frame in frames] == ["output", "call", "call", "output", "done"]
    assert frames[1] == {"t": "call", "ordinal": 1, "name": "llm_query", "args": ["p"], "kwargs": {}}
    assert frames[2] == {"t": "call", "ordinal": 2, "name": "search", "args": ["r"], "kwargs": {"k": 1}}
    assert frames[3] == {"t": "output", "channel": "result", "text": "[2]\n"}


def test_refusal_is_raised_in_the_cell(host: Host) -> None:
    frames = host.execute("llm_query('p')", {"t": "raise", "kind": "BudgetExceeded", "message": "no money"})
    assert frames[-1]["error"] == {
        "type": "BudgetExceeded",
        "message": "no money",
        "line": 1,
        "traceback": "Traceback (most recent call last):\n  File \"<cell-1>\", line 1\n    llm_query('p')\n"
        "BudgetExceeded: no money\n",
    }


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        ("x = 1\n1 / 0", "ZeroDivisionError", 2),
        ("x = (", "SyntaxError", 1),
        ("\n\n().__class__.__bases__", "SyntaxError", 3),
        ("a\x00b", "SyntaxError", None),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", 1),
        ("class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E", "E", 4),
        ("raise ValueError('x' * 10000)", "ValueError", 1),
    ],
)
def test_errors(host: Host, code: str, kind: str, line: int | None) -> None:
    frames = host.execute(code)
    error = frames[-1]["error"]
    assert error["type"] == kind
    assert error["line"] in {line, 1}
    assert len(error["message"]) < 4100
    assert frames[-2] == {"t": "output", "channel": "error", "text": error["traceback"]}


def test_memory_error_says_how_much_there_is(host: Host) -> None:
    error = host.execute("raise MemoryError")[-1]["error"]
    assert error["message"] == "the cell needs more than the 64 MB that this REPL has"


@pytest.mark.parametrize("idiom", [pytest.param(each, id=each["id"]) for each in IDIOMS if each["id"] != "random"])
def test_idiom_runs(host: Host, idiom: dict[str, str]) -> None:
    frames = host.execute(idiom["code"])
    assert frames[-1]["error"] is None
    shown = "".join(frame["text"] for frame in frames if frame.get("channel") == "result")
    assert shown == idiom["result"] + "\n"


@pytest.mark.parametrize("entry", [pytest.param(each, id=each["id"]) for each in ESCAPES])
def test_escape_is_refused_by_the_language(host: Host, entry: dict[str, str]) -> None:
    assert host.execute(entry["code"])[-1]["error"] is not None


def test_content_that_cannot_even_be_shown_is_the_cells_error(host: Host) -> None:
    frames = host.execute("class E:\n    def __str__(self):\n        raise LookupError('no words')\nFINAL(E())")
    assert frames[-1]["error"]["type"] == "LookupError"
    assert frames[-1]["error"]["message"] == "no words"
    assert frames[-1]["submission"] == {"content": "", "ready": False, "dialect": "answer"}


def test_error_of_the_cell_goes_before_that_of_its_content(host: Host) -> None:
    frames = host.execute("answer['content'] = 'x' * (9 << 20)\n1 / 0")
    assert frames[-1]["error"]["type"] == "ZeroDivisionError"
    frames = host.execute("2")
    assert frames[-1]["error"]["message"].startswith("answer['content'] has 9437184 characters")


def test_long_value_is_shown_up_to_the_output_limit(host: Host) -> None:
    frames = host.execute("'x' * (1 << 20)")
    shown = "".join(frame["text"] for frame in frames[:-1])
    assert 10_000 <= len(shown) < 10_500
    assert shown.startswith("'xxx")
    assert frames[-1]["truncated"]["result"] > 1_030_000


def test_host_that_leaves_in_a_call_ends_the_guest_and_no_handler_stops_it(host: Host) -> None:
    host.send(
        {"t": "execute", "cell": 1, "code": "while True:\n    try:\n        llm_query('p')\n    except Exception: pass"}
    )
    host.send({"t": "return", "value": 1})
    host.close()
    assert not host.thread.is_alive()


def test_unexpected_frame_ends_the_guest(host: Host) -> None:
    host.send({"t": "return", "value": 1})
    host.thread.join(5)
    assert not host.thread.is_alive()
