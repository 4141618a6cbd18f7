"""Run a command under deploy/seccomp-worker.json, as a container's runtime would: `confined.py COMMAND…`.

libseccomp, which Debian always has, turns the profile into the kernel's filter.
"""

import ctypes
import json
import os
import platform
import sys
from ctypes.util import find_library
from pathlib import Path
from typing import Any

PROFILE = Path(__file__).resolve().parents[2] / "deploy" / "seccomp-worker.json"
ALLOW, ERRNO, EPERM = 0x7FFF0000, 0x00050000, 1
OPERATORS = {"SCMP_CMP_NE": 1, "SCMP_CMP_EQ": 4, "SCMP_CMP_MASKED_EQ": 7}
PR_SET_NO_NEW_PRIVS = 38


class Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def comparison(condition: dict[str, Any]) -> Comparison:
    """Turn a condition of the profile into libseccomp's: a masked one names the mask first."""
    operator = OPERATORS[condition["op"]]
    return Comparison(condition["index"], operator, condition["value"], condition.get("valueTwo", 0))


def action_of(rule: dict[str, Any]) -> int:
    """Return libseccomp's number of a rule's action."""
    return ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else ERRNO | int(rule.get("errnoRet", EPERM))


def confine(profile: dict[str, Any]) -> None:
    """Load the profile into this process for good."""
    library = ctypes.CDLL(find_library("seccomp"), use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ERRNO | EPERM))
    assert f"SCMP_ARCH_{platform.machine().upper()}" in {arch["architecture"] for arch in profile["archMap"]}
    for rule in profile["syscalls"]:
        conditions = [comparison(condition) for condition in rule.get("args", ())]
        array = (Comparison * len(conditions))(*conditions)
        for name in rule["names"]:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:  # else this machine, or this library, does not know it
                failed = library.seccomp_rule_add_array(context, action_of(rule), number, len(conditions), array)
                assert failed == 0, f"{name}: {os.strerror(-failed)}"
    assert ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert library.seccomp_load(context) == 0


if __name__ == "__main__":
    confine(json.loads(PROFILE.read_text()))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command that we were given
