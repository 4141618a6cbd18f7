"""The kernel's walls around a guest, put up by the guest process itself before it runs a line of foreign code.

`isolate` may run long before a session exists (spare guests wait behind it), `seal` as soon as the limits are known.
The walls hold even when the language layer is taken as broken: sealed code can compute, and use one descriptor.
"""

import contextlib
import ctypes
import os
import platform
import resource
import struct
from dataclasses import dataclass

from sandbox.guest import syscalls

CHANNEL_FD = 0
NOBODY = 65534

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_SIGKILL = 9
_CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x04000000, 0x08000000, 0x10000000, 0x40000000
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
_LANDLOCK_VERSION = 1
_SECCOMP_SET_MODE_FILTER = 1
_CAPABILITY_VERSION = 0x20080522


class JailError(Exception):
    """A mandatory part of the jail cannot be had; the message is for people."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What `seal` fixes for good: bytes of address space beyond what is mapped now, and CPU seconds of the session."""

    memory_bytes: int
    cpu_seconds: int


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class Jail:
    """The steps of putting oneself in jail; `missing` collects the optional parts that this kernel does not grant."""

    def __init__(self) -> None:
        self.missing: list[str] = []
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._machine = platform.machine()

    def isolate(self, channel_fd: int) -> None:
        """Close everything but the channel, drop rights, and leave the host's namespaces."""
        os.environ.clear()
        self._become_oom_victim()
        if channel_fd != CHANNEL_FD:
            os.dup2(channel_fd, CHANNEL_FD, inheritable=False)
        os.closerange(CHANNEL_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        self._drop_rights()
        namespaces = _CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS
        if self._libc.unshare(namespaces) != 0:
            self.missing.append("namespaces")
        self._drop_capabilities()
        self._prctl(_PR_SET_DUMPABLE, 0)
        self._prctl(_PR_SET_PDEATHSIG, _SIGKILL)

    def seal(self, limits: Limits) -> None:
        """Fix the limits and close the door: nothing can be opened, reached or started from here on.

        Raises:
            JailError: a mandatory part is not to be had.
        """
        self._limit(limits)
        if self._libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise JailError("the kernel refuses no_new_privs")
        self._deny_files()
        self._filter_system_calls()

    def _become_oom_victim(self) -> None:
        with contextlib.suppress(OSError):
            fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            try:
                os.write(fd, b"1000")
            finally:
                os.close(fd)

    def _drop_rights(self) -> None:
        if os.geteuid() != 0:
            return
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)

    def _drop_capabilities(self) -> None:
        header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION, 0))
        nothing = ctypes.create_string_buffer(bytes(24), 24)
        if self._libc.capset(header, nothing) != 0:
            raise JailError("the kernel refuses to drop capabilities")

    def _prctl(self, option: int, value: int) -> None:
        if self._libc.prctl(option, value, 0, 0, 0) != 0:
            raise JailError(f"prctl({option}) failed: {os.strerror(ctypes.get_errno())}")

    def _limit(self, limits: Limits) -> None:
        hard = {
            resource.RLIMIT_AS: mapped_bytes() + limits.memory_bytes,
            resource.RLIMIT_CPU: limits.cpu_seconds,
            resource.RLIMIT_FSIZE: 0,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_NPROC: 0,
            resource.RLIMIT_NOFILE: 4,
            resource.RLIMIT_MEMLOCK: 0,
            resource.RLIMIT_MSGQUEUE: 0,
        }
        try:
            for name, value in hard.items():
                resource.setrlimit(name, (value, value))
        except (OSError, ValueError) as error:
            raise JailError(f"a resource limit cannot be set: {error}") from error

    def _deny_files(self) -> None:
        """Handle every access right that this kernel's Landlock knows, and allow none (landlock(7))."""
        version = self._libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
        if version < 1:
            self.missing.append("landlock")
            return
        file_rights = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1  # noqa: PLR2004
        network_rights = 3 if version >= 4 else 0  # noqa: PLR2004 - bind and connect since version 4
        scopes = 3 if version >= 6 else 0  # noqa: PLR2004 - abstract sockets and signals since version 6
        size = 8 + 8 * (version >= 4) + 8 * (version >= 6)  # noqa: PLR2004
        attributes = ctypes.create_string_buffer(struct.pack("=QQQ", file_rights, network_rights, scopes))
        ruleset = self._libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, size, 0)
        if ruleset < 0 or self._libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
            self.missing.append("landlock")
        if ruleset >= 0:
            os.close(ruleset)

    def _filter_system_calls(self) -> None:
        try:
            code = syscalls.program(self._machine)
        except KeyError:
            raise JailError(f"there is no list of system calls for the machine {self._machine}") from None
        program = _FilterProgram(len(code) // 8, code)
        number = syscalls.SECCOMP[self._machine]
        if self._libc.syscall(number, _SECCOMP_SET_MODE_FILTER, 0, ctypes.byref(program)) != 0:
            raise JailError(f"the kernel refuses the seccomp filter: {os.strerror(ctypes.get_errno())}")


def mapped_bytes() -> int:
    """Return the size of this process's address space."""
    fd = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        return int(os.read(fd, 64).split()[0]) * resource.getpagesize()
    finally:
        os.close(fd)
