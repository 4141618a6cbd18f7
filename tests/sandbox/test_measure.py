"""Readings of processes from outside."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import measure


def test_own_process_reads_as_the_kernel_accounts_it() -> None:
    reading = measure.read(os.getpid())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    assert reading is not None
    assert abs(reading.peak_memory_bytes - usage.ru_maxrss * 1024) < 32 << 20
    assert 0 < reading.cpu_seconds <= usage.ru_utime + usage.ru_stime + 1


def test_process_that_is_gone_has_no_reading() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    assert measure.read(process.pid) is None


def test_out_of_memory_kills_only_grow() -> None:
    first = measure.out_of_memory_kills()
    assert first >= 0
    assert measure.out_of_memory_kills() >= first


@pytest.mark.parametrize(
    ("counters", "kills"), [("nr_free_pages 1\noom_kill 12\n", 12), ("nr_free_pages 1\n", 0), (None, 0)]
)
def test_out_of_memory_kills_are_the_kernels_counter_or_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, counters: str | None, kills: int
) -> None:
    if counters is not None:
        (tmp_path / "vmstat").write_text(counters, "ascii")
    monkeypatch.setattr(measure, "_PROC", tmp_path)
    assert measure.out_of_memory_kills() == kills
