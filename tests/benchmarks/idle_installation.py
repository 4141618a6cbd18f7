"""What an idle installation holds: the memory of `manage.py up` and everything below it, once nothing runs.

    python -m tests.benchmarks.idle_installation [--quick]

Proportional set sizes (PSS): what processes share counts once. It starts with an empty data directory, so the demo runs
first; that ends by itself, and so does its model server, whose idle time is set to seconds here. The peer is a bare
Python interpreter that has imported Django.
"""

import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.figures import figure, heading, options
from tests.benchmarks.memory import family, pss_bytes
from tests.environment import DATA_DIR
from tests.live import Process, answers, free_port, spawn, wait_until

PEER = "import django.db, sys; print('there', flush=True); sys.stdin.read()"
START_SECONDS, DEMO_SECONDS = 120.0, 600.0
OF_THE_DEMO = ("rlmlab.modelserver", "demo --once")


def peer_bytes() -> int:
    """Weigh an interpreter that has imported Django."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", PEER], **pipes) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = pss_bytes(process.pid)
        process.communicate()
    return found


def command_of(pid: int) -> str:
    """Return a process's command line; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_idle(process: Process) -> bool:
    """Tell whether the demo and its model server have ended."""
    commands = [command_of(pid) for pid in family(process.popen.pid)]
    return not any(part in command for command in commands for part in OF_THE_DEMO)


def word_of(command: str) -> str:
    """Name a process by what it runs."""
    known = ("daphne", "celery", "valkey", "postgres", "zygote", "rlmlab.embedded")
    return next((word for word in known if word in command), command[:40])


def weigh(process: Process) -> None:
    """Print the sum and what is in it."""
    parts: dict[str, int] = {}
    for pid in family(process.popen.pid):
        word = word_of(command_of(pid))
        parts[word] = parts.get(word, 0) + pss_bytes(pid)
    whole, peer = sum(parts.values()), peer_bytes()
    shown = f"{whole / 1e6:.0f} MB, ratio {whole / peer:.1f}"
    figure("the idle installation", shown, against=f"a bare Django of {peer / 1e6:.0f} MB", limit="< 550 MB")
    for word, size in sorted(parts.items(), key=lambda part: -part[1]):
        figure(f"  {word}", f"{size / 1e6:.0f} MB")


def measure(*, quick: bool) -> None:
    """Start, wait until nothing is left to do, weigh, stop."""
    folder, port = DATA_DIR / "idle", free_port()
    folder.mkdir(mode=0o711)
    settings = {"DATA_DIR": str(folder), "PORT": str(port), "LOCAL_MODEL_IDLE_SECONDS": "2"}
    process = spawn("up", ["manage.py", "up"], **{f"RLMLAB_{name}": value for name, value in settings.items()})
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), START_SECONDS, process.text())
        wait_until(lambda: "demo" in process.text(), START_SECONDS, "the demo's start")
        time.sleep(5)
        wait_until(lambda: is_idle(process), DEMO_SECONDS, "the demo's end")
        time.sleep(2 if quick else 30)
        weigh(process)
    finally:
        process.terminate(60)


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("idle_installation", quick=found.quick)
    measure(quick=found.quick)


if __name__ == "__main__":
    main()
