"""What this machine's kernel grants to a jail, asked without putting anything in one.

The environment itself is the last word: it puts a guest through the whole jail when it starts. This tells why a wall is
missing.
"""

import ctypes
import os
import platform
import subprocess
import sys
from typing import Final

from sandbox.guest import syscalls

_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_VERSION: Final = 1
_SECCOMP_GET_ACTION_AVAIL: Final = 2
_KILL_PROCESS: Final = 0x80000000
_ANSWER_SECONDS: Final = 4.0

# What a guest does: it gives up root, then leaves the host's user, network, IPC and name spaces.
_UNSHARE: Final = """
import ctypes, os
if os.geteuid() == 0:
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
libc = ctypes.CDLL(None, use_errno=True)
print(ctypes.get_errno() if libc.unshare(0x5C000000) else 0)
"""


def landlock_version() -> int:
    """Return the version of Landlock's interface; 0 where the kernel has none, or it is switched off."""
    return max(0, int(_libc().syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)))


def refused_namespaces() -> str:
    """Return why a process without rights may not make namespaces of its own; empty where it may."""
    command = [sys.executable, "-s", "-S", "-c", _UNSHARE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True, cwd="/")
    except (subprocess.SubprocessError, OSError) as error:
        return f"cannot be tried: {type(error).__name__}"
    number = int(done.stdout)
    return os.strerror(number) if number else ""


def refused_filter() -> str:
    """Return why the seccomp filter cannot be had; empty where it can."""
    machine = platform.machine()
    if machine not in syscalls.ALLOWED:
        return f"there is no list of system calls for the machine {machine}"
    action = ctypes.c_uint32(_KILL_PROCESS)
    answer = _libc().syscall(syscalls.SECCOMP[machine], _SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(action))
    return os.strerror(ctypes.get_errno()) if answer != 0 else ""


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
