"""Workers, web process, broker and sandbox killed at random points: runs finish, nothing is paid twice or missed.

In CI ten kills; `make verify` makes a hundred.
"""

import http.client
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from celery import Celery

from rlmlab import scoping
from rlmlab.embedded.places import Places
from rlmlab.modelserver.scripted.replies import Call, Reply, code
from tests.brokers import Broker, running
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import turns
from tests.live import Process, Web, wait_until, web, worker
from trajectories import queue
from trajectories.models import Run, Span
from trajectories.queries import events_page

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

KILLS = 100 if os.environ.get("SLOW_TESTS") == "full" else 10
SEED = int(os.environ.get("TEST_SEED", "20261123"))
ROOT = turns(
    code("a = llm_query('one ' + context)\nprint(a)"),
    code("b = llm_query_batched([f'part {n} {context}' for n in range(8)])\nprint(len(b), budget()['sub_calls'] > 0)"),
    code("c = rlm_query('Part of it', 'its input ' + context)\nprint(c)"),
    code("d = rlm_query_batched(['Part of it', 'Part of it'], ['x ' + context, 'y ' + context])\nprint(d)"),
    code("FINAL([a, len(b), c, d])"),
)
PART = turns(code("x = llm_query('deep ' + context)\nprint(x)"), code("FINAL(x + '!')"))


def long(call: Call) -> Reply:
    """Take a third of a second for each of some thirty calls in three levels."""
    part = any("Task: Part of it" in str(message["content"]) for message in call.messages[:3])
    return Reply((PART if part else ROOT)(call).text, delay_seconds=0.3)


@dataclass
class Viewer:
    """Follows a run by server-sent events, through whatever web process there is, and comes back where it was."""

    run: Run
    key: str
    seen: list[int] = field(default_factory=list)
    port: int = 0
    stopped: bool = False

    def follow(self) -> None:
        """Read until told to stop; a broken connection is made again with the last event's number."""
        while not self.stopped:
            try:
                self._read()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)

    def _read(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "text/event-stream"}
        if self.seen:
            headers["Last-Event-ID"] = str(self.seen[-1])
        connection.request("GET", f"/api/v1/runs/{self.run.id}/events", headers=headers)
        response = connection.getresponse()
        number = None
        try:
            while not self.stopped and (line := response.readline()):
                if line.startswith(b"id:"):
                    number = int(line[3:])
                elif line.startswith(b"data:") and number is not None:
                    self.seen.append(number)
                elif not line.strip():
                    number = None
        finally:
            connection.close()


@dataclass
class Stage:
    """What can be killed, and is started again at once."""

    broker: Broker
    environ: dict[str, str]
    viewers: list[Viewer]
    stack: ExitStack
    chance: random.Random
    workers: list[Process] = field(default_factory=list)
    web: Web | None = None
    killed: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        self.workers.append(self.stack.enter_context(worker(beat=True, **self.environ)))
        self.start_web()

    def start_web(self) -> None:
        self.web = self.stack.enter_context(web(**self.environ))
        for viewer in self.viewers:
            viewer.port = int(self.web.url.rsplit(":", 1)[1])

    def kill(self) -> None:
        victim = self.chance.choices(["worker", "web", "broker"], [6, 2, 2])[0]
        self.killed[victim] += 1
        if victim == "worker":
            self.workers.pop().kill()
            self.workers.append(self.stack.enter_context(worker(beat=True, **self.environ)))
        elif victim == "web":
            if self.web is not None:
                self.web.process.kill()
            self.start_web()
        else:
            self.broker.kill()
            time.sleep(self.chance.uniform(0, 1))
            self.broker.start()


@pytest.fixture
def broker(servers: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    with (
        running("valkey", tmp_path, servers) as started,
        Celery("sender", broker=started.url, set_as_current=False) as app,
    ):
        app.conf.update(task_default_queue="runs")
        monkeypatch.setattr(queue, "current_app", app)
        yield started


def test_whatever_is_killed_runs_finish_and_nothing_is_paid_twice(
    broker: Broker, acme: Tenant, model_server: ModelServer
) -> None:
    model_server.reset()
    model_server.behave("long", long)
    chance = random.Random(SEED)  # noqa: S311 - times of kills, no secrets
    with ExitStack() as stack:
        stage = Stage(broker, {"RLMLAB_BROKER_URL": broker.url}, [], stack, chance)
        stage.start()
        done: list[Viewer] = []
        while stage.killed.total() < KILLS:
            viewer = watched(acme, stage)
            while not reload(viewer.run).is_terminal and stage.killed.total() < KILLS:
                time.sleep(chance.uniform(0.2, 2.5))
                stage.kill()
            done.append(viewer)
        for viewer in done:
            wait_until(lambda viewer=viewer: reload(viewer.run).is_terminal, 90, stage.workers[-1].text()[-3000:])
            check(viewer, stage)
        check_ledger([viewer.run for viewer in done], model_server)
    print(f"kills: {dict(stage.killed)}, runs: {len(done)}, calls: {model_server.ledger.requests}")


def watched(acme: Tenant, stage: Stage) -> Viewer:
    """Start a run, and somebody who watches it."""
    run = make_run(acme.principal, acme.project, model="openai/long", task="Go", context=str(len(stage.viewers)))
    assert stage.web is not None
    viewer = Viewer(run, acme.key, port=int(stage.web.url.rsplit(":", 1)[1]))
    stage.viewers.append(viewer)
    threading.Thread(target=viewer.follow, daemon=True).start()
    return viewer


def check(viewer: Viewer, stage: Stage) -> None:
    """Check a run's end, its stream, its spans, and what its viewer saw."""
    run = reload(viewer.run)
    number = stage.viewers.index(viewer)
    answer = [
        f"echo: one {number}",
        8,
        f"echo: deep its input {number}!",
        [f"echo: deep x {number}!", f"echo: deep y {number}!"],
    ]
    assert (run.status, run.error_message, run.answer) == ("succeeded", "", answer), stage.workers[-1].text()[-3000:]
    events = events_page(run, limit=1000)
    assert [event.seq for event in events] == list(range(1, run.last_seq + 1))
    wait_until(lambda: viewer.seen[-1:] == [run.last_seq], 30, f"the viewer stands at {viewer.seen[-1:]}")
    viewer.stopped = True
    assert viewer.seen == list(range(1, run.last_seq + 1))
    with scoping.organization(run.organization_id):
        spans = Span.objects.for_org(run.organization_id).filter(run=run).order_by("first_seq")
        attempts = list(spans.values_list("kind", "path", "attempt", "status"))
    by_path: dict[str, list[str]] = {}
    for _kind, path, attempt, status in attempts:
        assert len(by_path.setdefault(path, [])) == attempt - 1, path
        by_path[path].append(status)
    for path, statuses in by_path.items():
        assert statuses[-1] == "ok", path
        assert set(statuses[:-1]) <= {"interrupted"}, path
    assert not [e for e in events if e.type == "log" and json.loads(e.payload)["data"].get("code") == "divergence"]


def check_ledger(runs: list[Run], server: ModelServer) -> None:
    """Hold what the server was asked against what is on record: no question came again once its reply was stored."""
    asked = [(wall(call.at), call.messages[-1]["content"]) for call in server.calls if not call.is_level]
    answered = interrupted = 0
    for run in runs:
        events = events_page(run, limit=1000)
        payloads = {event.seq: json.loads(event.payload) for event in events}
        prompts = {
            event.span_id: payloads[event.seq]["data"]["prompt"]
            for event in events
            if event.type == "span_started" and payloads[event.seq]["kind"] == "sub_call"
        }
        for event in events:
            ended = payloads[event.seq]
            if event.type != "span_finished" or ended["kind"] != "model_call":
                continue
            answered += ended["status"] == "ok"
            interrupted += ended["status"] == "interrupted"
            question = prompts.get(event.parent_span_id)
            if question is not None and ended["status"] == "ok":
                later = [at for at, text in asked if text == question and at > event.at.timestamp() + 0.05]
                assert later == [], f"{question} was asked again"
    assert answered >= 23 * len(runs)
    assert server.ledger.requests >= answered
    print(f"calls: {server.ledger.requests}, answered on record: {answered}, interrupted: {interrupted}")


def wall(monotonic: float) -> float:
    """Tell a time of the monotonic clock as one since 1970."""
    return time.time() - time.monotonic() + monotonic


def test_run_outlives_its_sandbox(acme: Tenant, model_server: ModelServer) -> None:
    model_server.reset()
    model_server.behave(
        "careful",
        turns(
            code("import time\nfor n in range(30):\n    time.sleep(0.1)\nprint('slept')"),
            code("FINAL(len(context))"),
        ),
    )
    with worker(beat=True) as process:
        run = make_run(acme.principal, acme.project, model="openai/careful", context="abc")
        wait_until(lambda: bool(guests(process)) and len(model_server.calls) == 1, 30, process.text())
        time.sleep(0.5)
        for pid in guests(process):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: reload(run).is_terminal, 30, process.text())
        assert (reload(run).status, reload(run).answer) == ("succeeded", 3)
        again = make_run(acme.principal, acme.project, model="openai/length", context="abcd")
        wait_until(lambda: reload(again).is_terminal, 30, process.text())
        assert reload(again).answer == "4"
    assert "A new REPL was started" in json.dumps(model_server.calls[1].messages)


def guests(process: Process) -> list[int]:
    """List the sandbox's processes below a worker: the zygote and its guests."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.parent.name, stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(pid)] = int(rest[1])
    below = {pid for pid, parent in parents.items() if parent == process.popen.pid}
    deeper = {pid for pid, parent in parents.items() if parent in below}
    return sorted(deeper)
