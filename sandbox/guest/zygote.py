"""The zygote: a clean, single-threaded process that forks one jailed guest a session.

Started as `python -s -S -P zygote.py CONTROL_FD LANGUAGE PATH…` with an environment of PYTHONHASHSEED=0 only. It never
runs foreign code, holds no secrets and no database, and is the parent that reaps guests and knows how they ended. On
the control socket (SOCK_SEQPACKET, JSON): `{"fork": id}` with a channel descriptor comes in; `{"forked": id, "pid"}`
with a pidfd and `{"exited": id, "status", "cpu_seconds", "peak_memory_bytes"}` go out. It ends when its control socket
is closed, and its guests with it.
"""

import gc
import importlib
import json
import os
import random
import select
import socket
import sys
from typing import Any, NoReturn

_GUEST_FAILED = 70


def main(arguments: list[str]) -> None:
    """Serve the control socket until the host closes it."""
    control_fd, language, *paths = arguments
    sys.path[:0] = paths
    guest = importlib.import_module("sandbox.guest.guest")
    module, _, factory = language.partition(":")
    make_language = getattr(importlib.import_module(module), factory)
    guest.preload()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(control_fd)) as control:
        Zygote(control, guest.run, make_language).serve()


class Zygote:
    """Forks and reaps; knows its guests by pidfd."""

    def __init__(self, control: socket.socket, run_guest: Any, make_language: Any) -> None:
        self._control = control
        self._run_guest = run_guest
        self._make_language = make_language
        self._guests: dict[int, tuple[str, int]] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Answer requests and report ends."""
        self._send({"ready": os.getpid()})
        while True:
            for fd, _ in self._poll.poll():
                if fd in self._guests:
                    self._reap(fd)
                elif not self._accept():
                    return

    def _accept(self) -> bool:
        message, fds, _, _ = socket.recv_fds(self._control, 4096, 1)
        if not message:
            return False
        self._fork(json.loads(message)["fork"], fds[0])
        return True

    def _fork(self, session: str, channel_fd: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            os.close(channel_fd)
            self._send({"failed": session, "reason": f"fork: {error.strerror}"})
            return
        if pid == 0:
            self._become_guest(channel_fd)
        os.close(channel_fd)
        pidfd = os.pidfd_open(pid)
        self._guests[pidfd] = (session, pid)
        self._poll.register(pidfd, select.POLLIN)
        self._send({"forked": session, "pid": pid}, [pidfd])

    def _become_guest(self, channel_fd: int) -> NoReturn:
        status = _GUEST_FAILED
        try:
            random.seed(0)  # the same in every guest, so that a replayed cell prints the same
            self._run_guest(channel_fd, self._make_language())
            status = 0
        finally:
            os._exit(status)

    def _reap(self, pidfd: int) -> None:
        session, pid = self._guests.pop(pidfd)
        _, status, usage = os.wait4(pid, 0)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        self._send(
            {
                "exited": session,
                "status": status,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
                "peak_memory_bytes": usage.ru_maxrss * 1024,
            }
        )

    def _send(self, message: dict[str, Any], fds: list[int] | None = None) -> None:
        socket.send_fds(self._control, [json.dumps(message).encode()], fds or [])


if __name__ == "__main__":
    main(sys.argv[1:])
