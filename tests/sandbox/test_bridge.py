"""The host's half of the wire against every way of breaking it."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.base import CellError, HostCall, Submission
from sandbox.bridge import Bridge, Done, Output, Ready, Unavailable, clean
from sandbox.errors import ProtocolViolation
from sandbox.guest.wire import MAX_FRAME, encode

READY = {"t": "ready", "missing": []}
DONE = {
    "t": "done",
    "cell": 1,
    "error": None,
    "submission": {"content": None, "ready": False, "dialect": "answer"},
    "truncated": {},
}
CALL = {"t": "call", "ordinal": 1, "name": "llm_query", "args": ["a"], "kwargs": {}}
ERROR = {"type": "ValueError", "message": "no", "line": 3, "traceback": "…"}


def running() -> Bridge:
    bridge = Bridge(("llm_query",), 1000)
    assert list(bridge.feed(encode(READY))) == [Ready(())]
    bridge.execute(1, "x")
    return bridge


def raw(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def test_a_whole_session() -> None:
    bridge = running()
    assert list(bridge.feed(encode({"t": "output", "channel": "stdout", "text": "hi"}))) == [Output("stdout", "hi")]
    assert list(bridge.feed(encode(CALL))) == [HostCall("llm_query", ("a",), {}, 1)]
    assert bridge.state == "calling"
    assert json.loads(bridge.answer([1])[4:]) == {"t": "return", "value": [1]}
    done = DONE | {"error": ERROR, "truncated": {"stdout": 5}}
    assert list(bridge.feed(encode(done))) == [
        Done(CellError("ValueError", "no", 3, "…"), Submission(None, ready=False), {"stdout": 5})
    ]
    assert bridge.state == "idle"
    assert json.loads(bridge.execute(2, "y")[4:]) == {"t": "execute", "cell": 2, "code": "y"}


def test_bytes_may_come_one_by_one() -> None:
    bridge = running()
    data = encode({"t": "output", "channel": "stdout", "text": "hi"}) + encode(CALL)
    messages = [message for byte in data for message in bridge.feed(bytes([byte]))]
    assert messages == [Output("stdout", "hi"), HostCall("llm_query", ("a",), {}, 1)]


def test_unavailable_ends_the_session() -> None:
    bridge = Bridge((), 1000)
    assert list(bridge.feed(encode({"t": "unavailable", "reason": "no seccomp"}))) == [Unavailable("no seccomp")]
    assert bridge.state == "over"


@pytest.mark.parametrize(
    "frame",
    [
        READY,
        {"t": "unknown"},
        {"t": ["call"]},
        {},
        CALL | {"name": "other"},
        CALL | {"name": 5},
        CALL | {"ordinal": 2},
        CALL | {"args": {}},
        CALL | {"kwargs": []},
        {"t": "call"},
        {"t": "output", "channel": "secret", "text": "x"},
        {"t": "output", "channel": "stdout", "text": 5},
        {"t": "output", "channel": ["stdout"], "text": "x"},
        DONE | {"cell": 2},
        DONE | {"submission": None},
        DONE | {"submission": {"content": 1, "ready": True, "dialect": "other"}},
        DONE | {"truncated": {"stdout": "many"}},
        DONE | {"truncated": {"secret": 1}},
        DONE | {"error": {"type": "E"}},
        DONE | {"error": ERROR | {"line": "three"}},
        DONE | {"error": 5},
        DONE | {"seen": [[1]]},
        DONE | {"seen": [[2, 1]]},
        DONE | {"seen": [[-1, 1]]},
        DONE | {"seen": [[0, 1.5]]},
        DONE | {"seen": [list(range(2000))]},
        CALL | {"seen": [5]},
        CALL | {"seen": {}},
    ],
)
def test_wrong_frame_is_a_violation_and_ends_the_session(frame: dict[str, Any]) -> None:
    bridge = running()
    with pytest.raises(ProtocolViolation):
        list(bridge.feed(encode(frame)))
    assert bridge.state == "over"
    with pytest.raises(ProtocolViolation):
        list(bridge.feed(encode(DONE)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"5",
        "\u00e9".encode(),
        b'{"t": NaN}',
        b"[" * 5000,
        b"\x80\x04.",
        b'{"t":' + b"9" * 5000 + b"}",
    ],
)
def test_body_that_is_no_frame_is_a_violation(body: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        list(running().feed(raw(body)))


def test_deeply_nested_argument_is_a_violation() -> None:
    nested: Any = "x"
    for _ in range(80):
        nested = [nested]
    with pytest.raises(ProtocolViolation, match="nested too deeply"):
        list(running().feed(encode(CALL | {"args": [nested]})))


def test_oversize_is_refused_on_its_header_alone() -> None:
    with pytest.raises(ProtocolViolation, match=f"a frame of {MAX_FRAME + 1} bytes"):
        list(running().feed(struct.pack(">I", MAX_FRAME + 1)))


def test_guest_may_not_speak_while_a_call_is_open() -> None:
    bridge = running()
    list(bridge.feed(encode(CALL)))
    with pytest.raises(ProtocolViolation, match="while calling"):
        list(bridge.feed(encode({"t": "output", "channel": "stdout", "text": "x"})))


def test_guest_may_not_speak_before_a_cell() -> None:
    bridge = Bridge((), 1000)
    list(bridge.feed(encode(READY)))
    with pytest.raises(ProtocolViolation, match="while idle"):
        list(bridge.feed(encode(DONE)))


def test_output_beyond_its_limit_is_a_violation() -> None:
    bridge = running()
    piece = encode({"t": "output", "channel": "stdout", "text": "é" * 10_000})
    assert len(list(bridge.feed(piece * 3))) == 3
    with pytest.raises(ProtocolViolation, match="output beyond its limit"):
        list(bridge.feed(piece))


def test_host_may_not_speak_out_of_turn_either() -> None:
    bridge = running()
    with pytest.raises(ProtocolViolation, match="running, not idle"):
        bridge.execute(2, "x")
    with pytest.raises(ProtocolViolation, match="running, not calling"):
        bridge.answer(1)


@pytest.mark.parametrize("value", [object(), float("nan"), "x" * (MAX_FRAME + 1)])
def test_answer_that_does_not_fit_is_refused_in_the_guest(value: object) -> None:
    bridge = running()
    list(bridge.feed(encode(CALL)))
    frame = json.loads(bridge.answer(value)[4:])
    assert (frame["t"], frame["kind"]) == ("raise", "SubCallError")
    assert bridge.state == "running"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_arguments_survive_the_wire(value: Any) -> None:
    (call,) = running().feed(encode(CALL | {"args": [value]}))
    assert isinstance(call, HostCall)
    assert call.args == (clean(value),)


@given(st.binary(max_size=200))
def test_garbage_never_does_more_than_end_the_session(data: bytes) -> None:
    bridge = running()
    try:
        assert list(bridge.feed(data)) == []
    except ProtocolViolation:
        assert bridge.state == "over"


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("a\x00b", "a\ufffdb"),
        ("\ud800", "\ufffd"),
        ("\U0001f600", "\U0001f600"),
        ({"\x00": ["\udfff", 1]}, {"\ufffd": ["\ufffd", 1]}),
    ],
)
def test_clean(value: Any, cleaned: Any) -> None:
    assert clean(value) == cleaned


def test_seen_bytes_of_the_input_come_with_calls_and_ends() -> None:
    bridge = running()
    (call,) = bridge.feed(encode(CALL | {"seen": [[0, 5, 9, 12], []]}))
    assert call.seen == ((0, 5, 9, 12), ())
    bridge.answer(None)
    (done,) = bridge.feed(encode(DONE | {"seen": [[3, 4]]}))
    assert done.seen == (3, 4)
