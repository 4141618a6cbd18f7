"""The supervisor restarts what dies and leaves nothing behind."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rlmlab.embedded import up
from rlmlab.embedded.child import Child
from rlmlab.embedded.errors import StartError
from rlmlab.embedded.places import places
from rlmlab.embedded.supervisor import Stopped, Supervisor
from rlmlab.env import read_environment

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(os.getpid(), grandchild.pid, flush=True)
time.sleep(60)
"""


def child(tmp_path: Path, program: str, **options: float) -> Child:
    return Child("probe", [sys.executable, "-c", program], tmp_path / "probe.log", **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_start_waits_until_the_child_is_ready(tmp_path: Path) -> None:
    supervisor = Supervisor(print)
    sleeper = child(tmp_path, "import time; print('up', flush=True); time.sleep(60)")
    supervisor.start(sleeper, lambda: "up" in sleeper.log_tail())
    assert sleeper.exit_code is None
    supervisor.stop()
    assert sleeper.exit_code == -signal.SIGTERM


def test_start_of_a_child_that_ends_shows_the_end_of_its_log_and_the_hint(tmp_path: Path) -> None:
    supervisor = Supervisor(print)
    broken = child(tmp_path, "import sys; sys.exit('the data is damaged')")
    with pytest.raises(StartError, match=r"the data is damaged.*restore a backup"):
        supervisor.start(broken, lambda: False, hint="restore a backup")
    supervisor.stop()


def test_the_reason_given_is_of_this_start_not_of_an_earlier_one(tmp_path: Path) -> None:
    supervisor = Supervisor(print)
    (tmp_path / "probe.log").write_text("an old line\n")
    with pytest.raises(StartError, match=r"^probe ended at once: damaged\. "):
        supervisor.start(child(tmp_path, "import sys; sys.exit('damaged')"), lambda: False)
    supervisor.stop()


def test_start_of_a_child_that_is_never_ready_names_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor(print)
    with pytest.raises(StartError, match=r"not ready after 0 s.*probe\.log"):
        supervisor.start(child(tmp_path, "import time; time.sleep(60)"), lambda: False, seconds=0.2)
    supervisor.stop()


def test_stop_kills_a_child_that_ignores_sigterm_and_its_children(tmp_path: Path) -> None:
    supervisor = Supervisor(print)
    stubborn = child(tmp_path, STUBBORN, stop_seconds=0.3)
    supervisor.start(stubborn, lambda: len(stubborn.log_tail().split()) == 2)
    pids = [int(pid) for pid in stubborn.log_tail().split()]
    supervisor.stop()
    wait_for(lambda: not any(alive(pid) for pid in pids))


def test_watch_restarts_a_dead_child_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    deaths: list[str] = []
    supervisor = Supervisor(said.append)
    worker = child(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    supervisor.start(worker, lambda: worker.log_tail() != "", on_death=lambda: deaths.append("worker"))
    first = worker.process.pid if worker.process else 0
    os.kill(first, signal.SIGKILL)

    def restarted() -> bool:
        supervisor._look_after(supervisor.children[0])
        return worker.process is not None and worker.process.pid != first

    wait_for(restarted)
    assert deaths == ["worker"]
    assert said[0].startswith("probe ended with -9; starting it again in 0.5 s")
    supervisor.stop()


def test_a_death_on_a_full_disk_names_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlmlab.embedded.supervisor.LOW_DISK_BYTES", 1 << 60)
    said: list[str] = []
    supervisor = Supervisor(said.append)
    dying = child(tmp_path, "print('up', flush=True)")
    supervisor.start(dying, lambda: "up" in dying.log_tail())
    wait_for(lambda: dying.exit_code is not None)
    supervisor._look_after(supervisor.children[0])
    assert said[0].startswith("probe ended with 0; starting it again")
    assert said[1].endswith(f"MB are free in {tmp_path}. Free some; everything goes on then.")
    supervisor.stop()


def test_a_signal_ends_the_watch_once(tmp_path: Path) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    supervisor = Supervisor(print)
    try:
        supervisor.catch_signals()
        signal.setitimer(signal.ITIMER_REAL, 0)
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # ignored: it is stopping already
        assert supervisor.stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from rlmlab.embedded.child import Child
child = Child("inner", [sys.executable, "-c", "import time; time.sleep(60)"], Path({str(tmp_path / "inner.log")!r}))
child.start()
print(child.process.pid, flush=True)
time.sleep(60)
"""
    parent = child(tmp_path, program)
    parent.environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    parent.start()
    wait_for(lambda: parent.log_tail().isdigit())
    inner = int(parent.log_tail())
    assert parent.process is not None
    parent.process.kill()
    parent.process.wait()
    wait_for(lambda: not alive(inner))


def test_an_errand_says_what_it_wrote_and_is_stopped_with_the_others(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.run_errand(child(tmp_path, "print('first'); print('second')"))

    def collected() -> bool:
        supervisor._collect_errands()
        return supervisor.errands == []

    wait_for(collected)
    assert said == ["first\nsecond"]
    slow = child(tmp_path, "import time; time.sleep(60)")
    supervisor.run_errand(slow)
    supervisor.stop()
    assert slow.exit_code == -signal.SIGTERM


def test_a_port_taken_meanwhile_is_not_mistaken_for_our_web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = places(tmp_path)
    where.logs.mkdir(exist_ok=True)
    supervisor = Supervisor(lambda _: None)
    worker = child(tmp_path, "import time; time.sleep(60)")
    monkeypatch.setattr(up, "worker_child", lambda *_: worker)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        monkeypatch.setenv("RLMLAB_PORT", str(stranger.getsockname()[1]))
        env = read_environment()
        try:
            with pytest.raises(StartError, match="Address already in use"):
                up.start_processes(supervisor, where, env)
            assert [supervised.child for supervised in supervisor.children] == [worker]
        finally:
            supervisor.stop()
