"""Buffering, cutting and counting of output."""

import io
from typing import Any

import pytest

from sandbox.guest.output import Output, Printer, make_print


class Frames:
    """Stands where the channel stands and keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, frame: dict[str, Any]) -> None:
        self.sent.append((frame["channel"], frame["text"]))


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def make(limit: int = 1000) -> tuple[Output, Frames, Clock]:
    frames, clock = Frames(), Clock()
    return Output(frames, limit, clock), frames, clock  # type: ignore[arg-type]


def test_first_pieces_go_out_at_once_later_ones_are_gathered() -> None:
    output, frames, clock = make(100_000)
    for _ in range(100):
        output.write("stdout", "a")
    assert len(frames.sent) == 100
    output.write("stdout", "b")
    output.write("stdout", "c")
    assert len(frames.sent) == 100
    clock.now += 0.06
    output.write("stdout", "d")
    assert frames.sent[100:] == [("stdout", "bcd")]
    output.write("stdout", "e" * 9000)
    assert frames.sent[101:] == [("stdout", "e" * 9000)]


def test_change_of_channel_keeps_the_order() -> None:
    output, frames, _ = make(100_000)
    for _ in range(100):
        output.write("stdout", "a")
    output.write("stdout", "b")
    output.write("stderr", "c")
    output.flush()
    assert frames.sent[100:] == [("stdout", "b"), ("stderr", "c")]


@pytest.mark.parametrize(
    ("text", "kept", "dropped"),
    [("a" * 12, "a" * 10, 2), ("é" * 6, "é" * 5, 2), ("aaaaaaaaaé", "aaaaaaaaa", 2), ("\ud800" * 4, "", 12)],
)
def test_cut_is_at_a_character_and_counted_in_bytes(text: str, kept: str, dropped: int) -> None:
    output, frames, _ = make(10)
    output.write("stdout", text)
    assert "".join(sent for _, sent in frames.sent) == kept
    assert output.truncated == {"stdout": dropped}


def test_limit_is_shared_by_channels_and_new_in_each_cell() -> None:
    output, frames, _ = make(4)
    output.write("stdout", "abc")
    output.write("stderr", "de")
    output.write("stdout", "f")
    assert (frames.sent, output.truncated) == ([("stdout", "abc"), ("stderr", "d")], {"stderr": 1, "stdout": 1})
    output.begin()
    output.write("stdout", "wxyz")
    assert (frames.sent[2:], output.truncated) == ([("stdout", "wxyz")], {})


def test_print_is_pythons_print() -> None:
    output, frames, _ = make()
    show = make_print(Printer(output, "stdout"))
    show(1, "a", sep="-", end="!")
    show("x", sep=None, end=None, flush=True)
    buffer = io.StringIO()
    show("kept", file=buffer, flush=True)
    assert frames.sent == [("stdout", "1-a!"), ("stdout", "x\n")]
    assert buffer.getvalue() == "kept\n"


def test_stream_writes_text_only() -> None:
    output, _, _ = make()
    stream = Printer(output, "stderr")
    assert stream.write("abc") == 3
    with pytest.raises(TypeError, match="must be str, not bytes"):
        stream.write(b"abc")  # type: ignore[arg-type]
