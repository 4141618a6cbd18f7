"""What a forked guest does: go to jail, take over the session, serve cells."""

import array
import contextlib
import json
import os
import socket
import struct
import sys
from typing import Any

from sandbox.guest import jail
from sandbox.guest.context import ContextLoader
from sandbox.guest.repl import Language, Repl
from sandbox.guest.restricted import facades
from sandbox.guest.wire import HEADER, MAX_FRAME, Channel, ChannelClosed


def preload() -> None:
    """Load all that guests need, once, before any of them exists."""
    facades.preload()


def run(channel_fd: int, language: Language) -> None:
    """Be one guest until the host closes the channel."""
    sys.stdin = sys.stdout = sys.stderr = None
    channel = Channel(jail.CHANNEL_FD)
    walls = jail.Jail()
    with contextlib.suppress(ChannelClosed):
        try:
            walls.isolate(channel_fd)
            opening, fds = _receive_opening()
            loader = ContextLoader(opening["context"], fds)
            walls.seal(jail.Limits(opening["memory_bytes"], opening["cpu_seconds"]))
        except (jail.JailError, OSError) as error:
            channel.send({"t": "unavailable", "reason": str(error)})
            return
        try:
            repl = Repl(channel, language, opening, loader.load())
        except (ValueError, MemoryError, RecursionError) as error:
            reason = f"the context cannot be loaded: {type(error).__name__}: {error}"
            channel.send({"t": "unavailable", "reason": reason})
            return
        channel.send({"t": "ready", "missing": walls.missing})
        repl.serve()


def _receive_opening() -> tuple[dict[str, Any], list[int]]:
    """Read the first frame, the only one that carries descriptors."""
    with socket.socket(fileno=os.dup(jail.CHANNEL_FD)) as channel:
        header, ancillary, _, _ = channel.recvmsg(HEADER.size, socket.CMSG_SPACE(struct.calcsize("i")))
        fds = array.array("i")
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        if len(header) < HEADER.size:
            raise ChannelClosed
        (length,) = HEADER.unpack(header)
        body = bytearray()
        while len(body) < min(length, MAX_FRAME):
            part = channel.recv(length - len(body))
            if not part:
                raise ChannelClosed
            body += part
    return json.loads(body), list(fds)
