"""Hundreds of runs at once on one worker, against the scripted model server over HTTP, each with a guest of its own.

    python -m tests.benchmarks.many_runs [--quick]

Every run takes five steps with code; the model answers each after four seconds, so the floor of a run is twenty. What
is beyond, from the claim to the stored end, is the worker's: starting guests, cells, commits, waiting for a core.
All runs are made before the worker starts, so that it takes them as fast as it can. Nothing lost means: every run
succeeded, its events are numbered without gaps, and the model was asked five times for each, not once more.
"""

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.figures import figure, heading, milliseconds, options, percentile
from tests.benchmarks.installation import servers  # first: it settles where the data lies
from tests.benchmarks.memory import family, pss_bytes
from tests.benchmarks.stage import ModelProcess, model_process

STEPS = 5
MODEL_SECONDS = 4.0
FLOOR_SECONDS = STEPS * MODEL_SECONDS
MEGABYTE = 1 << 20
AMPLE_SECONDS = 600.0


@dataclass
class Watch:
    """Looks at a worker's memory every two seconds, in a thread."""

    pid: int
    most_guests: int = 0
    worker: int = 0
    guests: list[int] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(2.0):
            guests = [pid for pid in family(self.pid) if is_guest(pid)]
            self.worker = max(self.worker, pss_bytes(self.pid))
            if len(guests) > self.most_guests:
                self.most_guests = len(guests)
                self.guests = [size for pid in guests if (size := pss_bytes(pid))]


def is_guest(pid: int) -> bool:
    """Tell whether a process is a zygote's child: a guest, not the zygote itself nor a helper of the worker."""
    try:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return b"zygote" in Path(f"/proc/{parent}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def processor_seconds(pid: int) -> float:
    """Read how long a process has had a processor, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(model: ModelProcess, *, count: int) -> None:
    """Make the runs, let one worker do them, look at what is stored."""
    from rlmlab import scoping
    from tests.factories.runs import make_run
    from tests.factories.tenancy import make_tenant
    from tests.live import wait_until, worker
    from trajectories.models import Event, Run

    os.environ |= {"OPENAI_API_BASE": model.base_url, "OPENAI_API_KEY": "sk-benchmark"}
    tenants = [make_tenant("acme", "ada@acme.example"), make_tenant("bolt", "bo@bolt.example")]
    name = f"openai/paced-{int(MODEL_SECONDS * 1000)}"
    for number in range(count):
        tenant = tenants[number % 2]
        make_run(tenant.principal, tenant.project, model=name, context="x" * 1000)

    def rows() -> list[Run]:
        found: list[Run] = []
        for tenant in tenants:
            with scoping.organization(tenant.organization):
                found += Run.objects.for_org(tenant.organization)
        return found

    with worker(RLMLAB_WORKER_RUNS=str(count), RLMLAB_LEASE_SECONDS="15", RLMLAB_HEARTBEAT_SECONDS="5") as process:
        before, idle = pss_bytes(process.popen.pid), processor_seconds(process.popen.pid)
        started, watch = time.perf_counter(), Watch(process.popen.pid)
        try:
            wait_until(lambda: time.sleep(1) is None and all(run.is_terminal for run in rows()), AMPLE_SECONDS)
        finally:
            watch.stop()
        seconds = time.perf_counter() - started
        busy = processor_seconds(process.popen.pid) - idle
    ended = rows()
    gapless = 0
    for tenant in tenants:
        with scoping.organization(tenant.organization):
            gapless += sum(
                Event.objects.for_org(tenant.organization).filter(run=run).count() == run.last_seq
                for run in ended
                if run.organization_id == tenant.organization.id
            )
    succeeded = sum(run.status == "succeeded" for run in ended)
    calls = sum(run.model_calls for run in ended)
    beyond = [
        (run.finished_at - run.started_at).total_seconds() - FLOOR_SECONDS
        for run in ended
        if run.finished_at and run.started_at
    ]
    show(count, watch, before=before, seconds=seconds, beyond=beyond)
    figure(
        "the worker's processor time a step", milliseconds(busy / count / STEPS), against="two cores for all processes"
    )
    figure(f"{count} runs succeeded, events without a gap", f"{succeeded} and {gapless}", limit=f"{count} and {count}")
    figure(
        "model calls, and claims", f"{calls} and {sum(run.fence for run in ended)}", limit=f"{count * STEPS}, {count}"
    )


def show(count: int, watch: Watch, *, before: int, seconds: float, beyond: list[float]) -> None:
    """Print throughput, overhead and memory."""
    floor = f"the model's {FLOOR_SECONDS:.0f} s a run"
    figure(f"{count} runs at once, all done", f"{seconds:.1f} s, {count / seconds:.1f} runs/s", against=floor)
    figure("beyond the model, a run, p50", f"{percentile(beyond, 0.5):.2f} s", against=floor)
    figure("beyond the model, a run, p99", f"{percentile(beyond, 0.99):.2f} s", against=floor)
    figure("the same a step, p50", milliseconds(percentile(beyond, 0.5) / STEPS))
    figure("guests at the same time", f"{watch.most_guests}", limit=f"{count}, and spares")
    growth = watch.worker - before
    shown = f"{watch.worker / MEGABYTE:.0f} MB, {growth / MEGABYTE / count:.2f} MB a run"
    figure("the worker at its peak", shown, against=f"{before / MEGABYTE:.0f} MB idle")
    total = sum(watch.guests)
    figure(
        "all guests",
        f"{total / MEGABYTE:.0f} MB, {total / MEGABYTE / max(1, len(watch.guests)):.2f} MB each",
        limit="< 4 MB each",
    )


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("many_runs", quick=found.quick)
    with servers(), model_process() as model:
        measure(model, count=20 if found.quick else 500)


if __name__ == "__main__":
    main()
