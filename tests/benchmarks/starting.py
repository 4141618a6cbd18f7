"""How long `manage.py up` takes to a console that can run things: with nothing there yet, and once more.

    python -m tests.benchmarks.starting [--quick]

Until `/readyz` says that database, migrations, broker and a live worker are there. The packages are installed and
byte-compiled already. The floor is the two servers alone: `initdb`, PostgreSQL and Valkey started and ready, by the
same code; the second time without `initdb`.
"""

import os
import statistics
import time
from pathlib import Path

from tests.benchmarks.figures import figure, heading, options
from tests.environment import DATA_DIR
from tests.live import answers, free_port, spawn, wait_until

from rlmlab.embedded import postgres, valkey  # isort: skip - the environment comes first
from rlmlab.embedded.places import places
from rlmlab.embedded.supervisor import Supervisor

WAIT_SECONDS = 180.0
STOP_SECONDS = 60.0


def servers_seconds(folder: Path) -> float:
    """Time the two servers until both are ready, and stop them."""
    where, supervisor = places(folder), Supervisor(lambda *_: None)
    started = time.perf_counter()
    try:
        supervisor.start(postgres.prepare(where), lambda: postgres.is_ready(where))
        postgres.provision(where)
        supervisor.start(valkey.prepare(where), lambda: valkey.is_ready(where))
        return time.perf_counter() - started
    finally:
        supervisor.stop()


def up_seconds(folder: Path) -> float:
    """Time the whole installation until it is ready, and stop it."""
    port = free_port()
    settings = {"RLMLAB_DATA_DIR": str(folder), "RLMLAB_PORT": str(port)}
    started = time.perf_counter()
    process = spawn("up", ["manage.py", "up"], **settings)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), WAIT_SECONDS, process.text())
        return time.perf_counter() - started
    finally:
        process.terminate(STOP_SECONDS)


def fresh(name: str) -> Path:
    """Make an empty data directory."""
    folder = DATA_DIR / name
    folder.mkdir(mode=0o711)
    return folder


def measure(*, quick: bool) -> None:
    """Start from nothing and again, both ways; the rounds alternate."""
    cold: list[tuple[float, float]] = []
    second: list[tuple[float, float]] = []
    for number in range(1 if quick else 3):
        bare, whole = fresh(f"bare-{number}"), fresh(f"whole-{number}")
        for found in (cold, second):
            found.append((servers_seconds(bare), up_seconds(whole)))
    for kind, rounds in (("cold", cold), ("second", second)):
        floor, ours = (statistics.median(seconds) for seconds in zip(*rounds, strict=True))
        against = f"the servers alone in {floor:.1f} s"
        figure(f"{kind} start to ready", f"{ours:.1f} s, ratio {ours / floor:.1f}", against=against)


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("starting", quick=found.quick)
    os.chdir(Path(__file__).parents[2])
    measure(quick=found.quick)


if __name__ == "__main__":
    main()
