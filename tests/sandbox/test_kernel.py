"""What the kernel grants is asked without putting anything in jail."""

import asyncio
import platform

import pytest

from sandbox import kernel
from sandbox.restricted import RestrictedEnvironment


async def test_the_kernel_says_beforehand_what_a_guest_finds_out() -> None:
    environment = RestrictedEnvironment(spares=0)
    await environment.start()
    try:
        assert kernel.refused_filter() == ""
        assert ("no_landlock" in environment.level) == (kernel.landlock_version() == 0)
        refused = await asyncio.to_thread(kernel.refused_namespaces)
        assert ("no_namespaces" in environment.level) == bool(refused)
    finally:
        await environment.close()


def test_a_refusal_is_the_kernels_own_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_UNSHARE", "print(1)")
    assert kernel.refused_namespaces() == "Operation not permitted"


@pytest.mark.parametrize("program", ["import time; time.sleep(20)", "raise SystemExit(1)"])
def test_a_trial_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(kernel, "_UNSHARE", program)
    monkeypatch.setattr(kernel, "_ANSWER_SECONDS", 0.3)
    assert kernel.refused_namespaces().startswith("cannot be tried: ")


def test_a_kernel_without_landlock_has_version_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_LANDLOCK_CREATE_RULESET", 9999)
    assert kernel.landlock_version() == 0


def test_a_filter_that_the_kernel_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_KILL_PROCESS", 0x12340000)
    assert kernel.refused_filter() == "Operation not supported"


def test_an_unknown_machine_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    assert kernel.refused_filter() == "there is no list of system calls for the machine vax"
