"""The wire format that host and guest share: 4 bytes of length, big-endian, and that many bytes of ASCII JSON.

Frames to the guest: `open, execute, return, raise`. Frames to the host: `ready, unavailable, output, call, done`.
Nothing is ever pickled, and a length is checked before anything is allocated for it.
"""

import json
import os
import struct
from collections.abc import Mapping
from typing import Any

HEADER = struct.Struct(">I")
MAX_FRAME = 32 << 20
MAX_DEPTH = 64

Frame = dict[str, Any]


class FrameTooLarge(ValueError):
    """The frame would be longer than `MAX_FRAME` bytes."""


def encode(frame: Mapping[str, Any]) -> bytes:
    """Encode one frame.

    Raises:
        FrameTooLarge: longer than `MAX_FRAME`.
        ValueError: NaN, infinity, or an integer of too many digits.
    """
    body = json.dumps(frame, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(body) > MAX_FRAME:
        raise FrameTooLarge(f"{len(body)} bytes are more than the {MAX_FRAME} that fit into one message")
    return HEADER.pack(len(body)) + body


class ChannelClosed(BaseException):
    """The host closed its end or sent what is no frame; no Exception, so that a cell's handlers do not stop it."""


class Channel:
    """The guest's blocking end of the channel."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def send(self, frame: Mapping[str, Any]) -> None:
        """Write one frame; blocks while the host does not read.

        Raises:
            ChannelClosed: the host closed its end.
        """
        view = memoryview(encode(frame))
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except BrokenPipeError:
            raise ChannelClosed("the host closed the channel") from None

    def receive(self) -> Frame:
        """Read one frame.

        Raises:
            ChannelClosed: the host closed its end, or sent what is no frame.
        """
        (length,) = HEADER.unpack(self._read(HEADER.size))
        if length > MAX_FRAME:
            raise ChannelClosed("oversize frame")
        frame = json.loads(self._read(length))
        if not isinstance(frame, dict):
            raise ChannelClosed("a frame is an object")
        return frame

    def _read(self, size: int) -> bytes:
        first = os.read(self._fd, size)
        if len(first) == size:
            return first
        parts = [first]
        missing = size - len(first)
        while missing:
            part = os.read(self._fd, min(missing, 1 << 20))
            if not part:
                raise ChannelClosed("the host closed the channel")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)
