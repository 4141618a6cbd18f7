"""The seccomp program, run by a small interpreter of BPF for both machines."""

import struct

import pytest

from sandbox.guest import syscalls

ALLOW, DENY, KILL = 0x7FFF0000, 0x00050001, 0x80000000
MACHINES = sorted(syscalls.ALLOWED)


def verdict(machine: str, number: int, *, third: int = 0, arch: int | None = None) -> int:
    """Interpret the filter over one `struct seccomp_data`."""
    code = list(struct.iter_unpack("=HBBI", syscalls.program(machine)))
    data = struct.pack(
        "=iIQ6Q", number, syscalls.AUDIT_ARCH[machine] if arch is None else arch, 0, 0, 0, third, 0, 0, 0
    )
    accumulator = position = 0
    while True:
        operation, if_true, if_false, value = code[position]
        position += 1
        if operation == 0x06:
            return int(value)
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
            continue
        holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
        position += if_true if holds else if_false


@pytest.mark.parametrize("machine", MACHINES)
def test_exactly_the_list_is_allowed(machine: str) -> None:
    allowed = set(syscalls.ALLOWED[machine].values()) | set(syscalls.NOT_EXECUTABLE[machine].values())
    assert {number for number in range(600) if verdict(machine, number) == ALLOW} == allowed
    assert {verdict(machine, number) for number in range(600) if number not in allowed} == {DENY}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["mmap", "mprotect"])
def test_memory_never_becomes_executable(machine: str, name: str) -> None:
    number = syscalls.NOT_EXECUTABLE[machine][name]
    assert [verdict(machine, number, third=protection) for protection in (0, 1, 3, 4, 5, 7)] == [
        ALLOW, ALLOW, ALLOW, DENY, DENY, DENY,
    ]  # fmt: skip


@pytest.mark.parametrize("machine", MACHINES)
def test_other_calling_conventions_kill(machine: str) -> None:
    assert verdict(machine, 1, arch=0x40000003) == KILL
    assert verdict(machine, 0x40000001) == KILL


def test_no_call_that_names_another_object_is_listed() -> None:
    risky = {
        "open",
        "openat",
        "stat",
        "newfstatat",
        "socket",
        "connect",
        "fork",
        "clone",
        "execve",
        "kill",
        "ioctl",
        "prctl",
    }
    for machine in MACHINES:
        assert risky.isdisjoint(syscalls.ALLOWED[machine])


def test_unknown_machine_has_no_list() -> None:
    with pytest.raises(KeyError):
        syscalls.program("vax")
