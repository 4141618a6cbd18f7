"""A worker of its own for an engine test, whose only model is the scripted one."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

from django.conf import settings

from rlmlab.embedded.places import places
from rlmlab.embedded.up import worker_child
from rlmlab.modelserver.scripted.server import ScriptedServer
from trajectories.benchmark.plans import Plan
from trajectories.benchmark.scripted.faults import SANDBOX, Faulty, GuestKiller
from trajectories.benchmark.scripted.root import ScriptedModel


class Met:
    """What went wrong on purpose so far."""

    def __init__(self, model: Faulty, killer: GuestKiller | None) -> None:
        self._model = model
        self._killer = killer

    def counts(self) -> dict[str, int]:
        """Count by kind of fault."""
        killed = {} if self._killer is None else {SANDBOX: self._killer.killed}
        return dict(self._model.met) | killed


@contextmanager
def scripted_worker(plan: Plan, faults: Sequence[str]) -> Iterator[Met]:
    """Run a worker that calls the scripted model until the block ends.

    The environment of this process names the model's address meanwhile: it checks the models of new runs.
    """
    where = places(settings.RLMLAB.data_dir)
    where.logs.mkdir(parents=True, exist_ok=True)
    model = Faulty(ScriptedModel(plan.all_tasks()), faults, plan.seed)
    with ScriptedServer(model) as server, _environ(endpoint(server.base_url)):
        worker = worker_child(where, settings.RLMLAB)
        worker.start()
        try:
            assert worker.process is not None  # noqa: S101  it was just started
            killer = GuestKiller(worker.process.pid, plan.seed) if SANDBOX in faults else None
            with killer or nullcontext():
                yield Met(model, killer)
        finally:
            worker.stop()


def endpoint(base_url: str) -> dict[str, str]:
    """Return the variables that send the provider's calls to an address."""
    return {"OPENAI_API_BASE": base_url, "OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "scripted"}


@contextmanager
def _environ(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
