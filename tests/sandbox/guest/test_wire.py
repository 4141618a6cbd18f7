"""Frames, and the guest's end of the channel."""

import socket
import threading

import pytest

from sandbox.guest.wire import HEADER, MAX_FRAME, Channel, ChannelClosed, FrameTooLarge, encode


@pytest.fixture
def pair() -> "tuple[Channel, socket.socket]":
    ours, theirs = socket.socketpair()
    return Channel(ours.detach()), theirs


def test_frame_is_length_and_ascii_json() -> None:
    assert encode({"t": "x", "text": "é"}) == b'\x00\x00\x00\x19{"t":"x","text":"\\u00e9"}'


def test_frame_too_large_is_refused() -> None:
    with pytest.raises(FrameTooLarge):
        encode({"t": "x" * MAX_FRAME})


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"t": float("nan")})


def test_large_frames_pass_in_pieces_both_ways(pair: "tuple[Channel, socket.socket]") -> None:
    channel, host = pair
    frame = {"t": "x", "text": "a" * 3_000_000}
    with host:
        sender = threading.Thread(target=host.sendall, args=(encode(frame),))
        sender.start()
        assert channel.receive() == frame
        sender.join()
        sender = threading.Thread(target=channel.send, args=(frame,))
        sender.start()
        assert Channel(host.fileno()).receive() == frame
        sender.join()


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x00\x00\x00\x05{}", HEADER.pack(MAX_FRAME + 1), HEADER.pack(2) + b"[]"]
)
def test_what_is_no_frame_closes_the_channel(pair: "tuple[Channel, socket.socket]", data: bytes) -> None:
    channel, host = pair
    host.sendall(data)
    host.close()
    with pytest.raises(ChannelClosed):
        channel.receive()


def test_sending_to_a_host_that_left_closes_the_channel(pair: "tuple[Channel, socket.socket]") -> None:
    channel, host = pair
    host.close()
    with pytest.raises(ChannelClosed):
        channel.send({"t": "call"})


def test_closing_passes_handlers_of_exceptions() -> None:
    assert not issubclass(ChannelClosed, Exception)
