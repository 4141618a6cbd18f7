"""deploy/seccomp-worker.json: enough for a worker and its jail, and nothing that leads out of a container."""

import json
import platform
import subprocess
import sys
from ctypes.util import find_library
from typing import Any, Final

import pytest

from sandbox.guest import jail, syscalls
from tests.deploy.composition import DEPLOY
from tests.guards.tree import ROOT

LEADS_OUT: Final = {
    "acct", "add_key", "bpf", "chroot", "clone3", "delete_module", "finit_module", "fsmount", "fsopen", "init_module",
    "io_uring_enter", "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_load", "keyctl", "lookup_dcookie", "mknod",
    "mknodat", "mount", "mount_setattr", "move_mount", "name_to_handle_at", "open_by_handle_at", "open_tree",
    "perf_event_open", "personality", "pidfd_getfd", "pivot_root", "process_vm_readv", "process_vm_writev", "ptrace",
    "reboot", "request_key", "setns", "settimeofday", "swapon", "syslog", "umount2", "userfaultfd", "vhangup",
}  # fmt: skip
SET_UP: Final = {
    "capset", "close_range", "dup3", "landlock_create_ruleset", "landlock_restrict_self", "prctl", "prlimit64",
    "seccomp",
}  # fmt: skip
LEVEL: Final = """
import asyncio
from sandbox.registry import start_environment
async def main():
    environment = await start_environment("restricted")
    print(environment.level)
    await environment.close()
asyncio.run(main())
"""
CALL: Final = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(*map(int, sys.argv[1:])), os.strerror(ctypes.get_errno()))
"""
UNSHARE: Final = {"x86_64": 272, "aarch64": 97}

needs_libseccomp = pytest.mark.skipif(find_library("seccomp") is None, reason="libseccomp, which Debian always has")


def profile() -> dict[str, Any]:
    return dict(json.loads((DEPLOY / "seccomp-worker.json").read_text()))


def allowed(*, unconditionally: bool = False) -> set[str]:
    rules = [rule for rule in profile()["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW"]
    return {name for rule in rules if not (unconditionally and "args" in rule) for name in rule["names"]}


def python(code: str, *words: str, confined: bool) -> str:
    prefix = [sys.executable, str(ROOT / "tests" / "deploy" / "confined.py")] if confined else []
    command = [*prefix, sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_profile_is_the_one_that_the_script_prints() -> None:
    command = [sys.executable, "-m", "scripts.seccomp_profile"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert printed == (DEPLOY / "seccomp-worker.json").read_text()


def test_what_is_not_named_is_refused() -> None:
    assert profile()["defaultAction"] == "SCMP_ACT_ERRNO"
    assert [arch["architecture"] for arch in profile()["archMap"]] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]
    assert all(arch["subArchitectures"] == [] for arch in profile()["archMap"])


@pytest.mark.parametrize("machine", sorted(syscalls.ALLOWED))
def test_it_allows_what_the_jail_sets_up_and_what_it_leaves_a_guest(machine: str) -> None:
    inside = {*syscalls.ALLOWED[machine], *syscalls.NOT_EXECUTABLE[machine]}
    assert (inside | SET_UP) - allowed(unconditionally=True) == set()


def test_it_allows_nothing_that_leads_out_of_a_container() -> None:
    assert allowed() & LEADS_OUT == set()


def test_only_the_jails_own_namespaces_may_be_made() -> None:
    rules = {name: rule for rule in profile()["syscalls"] for name in rule["names"]}
    flags = jail._CLONE_NEWUSER | jail._CLONE_NEWNET | jail._CLONE_NEWIPC | jail._CLONE_NEWUTS
    assert rules["unshare"]["args"] == [{"index": 0, "value": flags, "op": "SCMP_CMP_EQ"}]
    assert {"unshare", "clone", "socket"}.isdisjoint(allowed(unconditionally=True))
    assert rules["clone3"] == {
        "comment": "not there", "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38,
    }  # fmt: skip


@needs_libseccomp
def test_the_jail_stands_as_high_under_the_profile_as_without_it() -> None:
    free = python(LEVEL, confined=False)
    assert python(LEVEL, confined=True) == free
    assert free in {"full", "no_landlock", "no_namespaces", "no_namespaces_no_landlock"}


@needs_libseccomp
def test_the_kernel_refuses_any_other_namespace_under_the_profile() -> None:
    number = str(UNSHARE[platform.machine()])
    refused = "-1 Operation not permitted"
    for flags in (jail._CLONE_NEWUSER, jail._CLONE_NEWNET, 0x00020000, 0x5C000000 | 0x20000000):
        assert python(CALL, number, str(flags), confined=True) == refused
