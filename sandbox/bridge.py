"""The host's half of the wire: a state machine that believes nothing a guest sends.

It does no input or output: bytes go in, checked messages come out. A frame that is out of turn, unknown, malformed or
too large raises `ProtocolViolation`, after which the session is over. Guests are single-threaded, so at most one host
call is open, and while it is open the guest has nothing to say.

    opening --ready--> idle --execute--> running --call--> calling --answer--> running --done--> idle
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from sandbox.base import CellError, Channel, HostCall, Submission
from sandbox.errors import ProtocolViolation
from sandbox.guest.wire import HEADER, MAX_DEPTH, MAX_FRAME, FrameTooLarge, encode

State = Literal["opening", "idle", "running", "calling", "over"]

_SLACK = 64 << 10  # an error's traceback comes on top of the output limit
_MAX_TEXT = 16 << 10  # of an error
_MAX_RANGES = 1024  # numbers
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_MAY_NEED_CLEANING = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


@dataclass(frozen=True, slots=True)
class Ready:
    """The guest is sealed; `missing` names optional walls that its kernel does not grant."""

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The guest could not be made; the reason is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Output:
    """A piece of output, normalised."""

    channel: Channel
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The cell ended by itself."""

    error: CellError | None
    submission: Submission
    truncated: Mapping[Channel, int]
    seen: tuple[int, ...] = ()


Message = Ready | Unavailable | Output | HostCall | Done


class Bridge:
    """Encodes what the host sends, checks what the guest sends, and knows whose turn it is."""

    def __init__(self, functions: tuple[str, ...], output_bytes: int) -> None:
        self.state: State = "opening"
        self._functions = frozenset(functions)
        self._output_bytes = output_bytes
        self._received = bytearray()
        self._printed = 0
        self._ordinal = 0
        self._cell = 0

    def execute(self, cell: int, code: str) -> bytes:
        """Encode the start of a cell.

        Raises:
            ProtocolViolation: the session is not idle; a mistake of the host.
            FrameTooLarge: the code is longer than a frame.
        """
        self._expect("idle")
        frame = encode({"t": "execute", "cell": cell, "code": code})
        self.state = "running"
        self._cell = cell
        self._printed = self._ordinal = 0
        return frame

    def answer(self, value: Any) -> bytes:
        """Encode the answer to the open call; what is no JSON, or too large, becomes an error in the guest."""
        try:
            frame = encode({"t": "return", "value": value})
        except (FrameTooLarge, TypeError, ValueError) as error:
            return self.refuse("SubCallError", f"the answer cannot be handed over: {error}")
        self._expect("calling")
        self.state = "running"
        return frame

    def refuse(self, kind: str, message: str) -> bytes:
        """Encode an exception as the answer to the open call."""
        self._expect("calling")
        self.state = "running"
        return encode({"t": "raise", "kind": kind, "message": message[:_MAX_TEXT]})

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take bytes from the guest and yield the messages that are complete.

        Raises:
            ProtocolViolation: the guest broke the format or spoke out of turn.
        """
        self._received += data
        while len(self._received) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._received)
            if length > MAX_FRAME:
                raise self._violation(f"a frame of {length} bytes")
            end = HEADER.size + length
            if len(self._received) < end:
                return
            body = bytes(memoryview(self._received)[HEADER.size : end])
            del self._received[:end]
            yield self._read(body)

    def _read(self, body: bytes) -> Message:
        frame = self._parse(body)
        readers: dict[tuple[State, object], Callable[[dict[str, Any]], Message]] = {
            ("opening", "ready"): self._read_ready,
            ("opening", "unavailable"): self._read_unavailable,
            ("running", "output"): self._read_output,
            ("running", "call"): self._read_call,
            ("running", "done"): self._read_done,
        }
        kind = frame.get("t")
        reader = readers.get((self.state, kind)) if isinstance(kind, str) else None
        if reader is None:
            raise self._violation(f"a frame {kind!r:.40} while {self.state}")
        try:
            return reader(frame)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._violation(f"a malformed frame {kind!r}: {error!r:.100}") from None

    def _parse(self, body: bytes) -> dict[str, Any]:
        try:
            frame = json.loads(body.decode("ascii"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise self._violation(f"a frame that is no ASCII JSON: {type(error).__name__}") from None
        if not isinstance(frame, dict):
            raise self._violation("a frame that is no object")
        if _deeper_than(frame, MAX_DEPTH + 3):
            raise self._violation("a frame nested too deeply")
        return cast("dict[str, Any]", clean(frame)) if _MAY_NEED_CLEANING.search(body) else frame

    def _read_ready(self, frame: dict[str, Any]) -> Ready:
        self.state = "idle"
        return Ready(tuple(_text(part) for part in _of(list, frame["missing"])))

    def _read_unavailable(self, frame: dict[str, Any]) -> Unavailable:
        self.state = "over"
        return Unavailable(_text(frame["reason"])[:_MAX_TEXT])

    def _read_output(self, frame: dict[str, Any]) -> Output:
        text = _text(frame["text"])
        self._printed += len(text.encode("utf-8"))
        if self._printed > self._output_bytes + _SLACK:
            raise self._violation("output beyond its limit")
        return Output(_channel(frame["channel"]), text)

    def _read_call(self, frame: dict[str, Any]) -> HostCall:
        self._ordinal += 1
        name = _text(frame["name"])
        if name not in self._functions:
            raise self._violation(f"a call of the unknown function {name!r:.40}")
        if frame["ordinal"] != self._ordinal:
            raise self._violation("a call out of order")
        self.state = "calling"
        args, kwargs = tuple(_of(list, frame["args"])), dict(_of(dict, frame["kwargs"]))
        seen = tuple(_ranges(part) for part in _of(list, frame.get("seen", [])))
        return HostCall(name, args, kwargs, self._ordinal, seen)

    def _read_done(self, frame: dict[str, Any]) -> Done:
        if frame["cell"] != self._cell:
            raise self._violation("the end of another cell")
        self.state = "idle"
        truncated = {_channel(name): max(0, int(size)) for name, size in _of(dict, frame["truncated"]).items()}
        submitted = _of(dict, frame["submission"])
        dialect = submitted["dialect"]
        if dialect not in {"answer", "FINAL", "FINAL_VAR", "SUBMIT"}:
            raise ValueError("dialect")
        submission = Submission(submitted["content"], submitted["ready"] is True, dialect)
        seen = _of(list, frame.get("seen", []))
        return Done(_error(frame["error"]), submission, truncated, _ranges(seen[0]) if seen else ())

    def _expect(self, state: State) -> None:
        if self.state != state:
            raise ProtocolViolation(f"the session is {self.state}, not {state}")

    def _violation(self, what: str) -> ProtocolViolation:
        self.state = "over"
        self._received.clear()
        return ProtocolViolation(f"the guest sent {what}")


def clean(value: Any) -> Any:
    """Replace NUL and lone surrogates, which no database stores, by U+FFFD in all strings of a JSON value."""
    if isinstance(value, str):
        return _NOT_STORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            item
            for parent in level
            for item in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _of(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{kind.__name__} expected")
    return value


def _ranges(value: Any) -> tuple[int, ...]:
    """Check ranges of bytes: whole numbers that grow, in pairs, not too many."""
    numbers = _of(list, value)
    if len(numbers) % 2 or len(numbers) > _MAX_RANGES or any(type(number) is not int for number in numbers):
        raise ValueError("ranges")
    if any(left >= right for left, right in zip([-1, *numbers], numbers, strict=False)):
        raise ValueError("ranges")
    return tuple(numbers)


def _text(value: Any) -> str:
    return cast("str", _of(str, value))


def _channel(value: Any) -> Channel:
    if value not in get_args(Channel):
        raise ValueError("channel")
    return cast("Channel", value)


def _error(fields: Any) -> CellError | None:
    if fields is None:
        return None
    line = fields["line"]
    return CellError(
        type=_text(fields["type"])[:200],
        message=_text(fields["message"])[:_MAX_TEXT],
        line=None if line is None else int(line),
        traceback=_text(fields["traceback"])[:_MAX_TEXT],
    )
