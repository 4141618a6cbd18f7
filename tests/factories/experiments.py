"""Experiments and how their runs end, made by the same code as in production."""

from collections.abc import Mapping
from typing import Any

from rlmlab import scoping
from rlmlab.engine.clock import SystemClock
from rlmlab.engine.events import Answer, Event, Failure, SpanFinished, SpanStarted, Usage
from rlmlab.engine.stream import EventStream, span_id_of
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from tests.factories.datasets import make_dataset
from tests.factories.runs import MODEL, record
from trajectories.actions.experiments import create_experiment
from trajectories.closing import Collected
from trajectories.improvement.plans import ExperimentRequest
from trajectories.improvement.prompts import create_version, ensure_system_prompt
from trajectories.models import Experiment, ExperimentRun, PromptVersion, Run

GUESS = "Answer at once in the REPL: answer['content'] = 'unknown'; answer['ready'] = True"


def make_version(by: Principal, project: Project, text: str = GUESS) -> PromptVersion:
    """Add a version to the system prompt; the first one made so is v2, behind what the engine teaches."""
    return create_version(by=by, prompt=ensure_system_prompt(project), text=text)


def make_experiment(by: Principal, project: Project, *, items: int = 3, **fields: Any) -> Experiment:
    """Start an experiment of v2 against v1 on a new dataset."""
    make_version(by, project)
    make_dataset(by, project, items)
    return start_experiment(by, project, **fields)


def start_experiment(by: Principal, project: Project, **fields: Any) -> Experiment:
    """Start an experiment on the dataset `sums`."""
    request = ExperimentRequest(**{"dataset": "sums", "candidate": "v2", "model": MODEL} | fields)
    return create_experiment(by=by, project=project, request=request)


def runs_of(experiment: Experiment) -> dict[tuple[int, str], Run]:
    """Return an experiment's runs by the number of the item and the arm."""
    with scoping.organization(experiment.organization_id):
        found = ExperimentRun.objects.for_org(experiment.organization_id).filter(experiment=experiment)
        rows = found.select_related("run__project", "item").order_by("run__created_at", "run_id")
        return {(row.item.number, row.arm): row.run for row in rows}


def answer_all(experiment: Experiment, answers: Mapping[tuple[int, str], Any], otherwise: Any = None) -> None:
    """End all runs of an experiment with their answers; a Failure fails its run."""
    for key, run in runs_of(experiment).items():
        answer(run, answers.get(key, otherwise))


def answer(run: Run, given: Any, *, seconds: float = 2.0, cost_usd: float | None = 0.01) -> None:
    """End a run with an answer, or with a Failure."""
    record(run, _events(run, given, seconds, cost_usd))


def _events(run: Run, given: Any, seconds: float, cost_usd: float | None) -> list[Event]:
    collected = Collected()
    stream = EventStream(run.id, [collected], SystemClock())
    root, call = span_id_of(run.id, "", 1), span_id_of(run.id, "1/m", 1)
    failure = given if isinstance(given, Failure) else None
    usage = Usage(input_tokens=100, output_tokens=10, cost_usd=cost_usd)
    stream.emit(SpanStarted(kind="run", name=run.model, path="", data={}), span_id=root, parent_span_id=None, depth=0)
    stream.emit(SpanStarted(kind="model_call", name=run.model, path="1/m"), span_id=call, parent_span_id=root, depth=0)
    ended = SpanFinished(kind="model_call", status="ok", seconds=seconds, usage=usage)
    stream.emit(ended, span_id=call, parent_span_id=root, depth=0)
    if failure is None:
        submitted = Answer(content=given, dialect="answer")
        stream.emit(submitted, span_id=root, parent_span_id=None, depth=0)
    reason = "submitted" if failure is None else failure.code if failure.code in {"budget", "timeout"} else "error"
    status = "ok" if failure is None else "error"
    last = SpanFinished(
        kind="run",
        status=status,
        seconds=seconds,
        failure=failure,
        data={"finish_reason": reason},  # type: ignore[arg-type]
    )
    stream.emit(last, span_id=root, parent_span_id=None, depth=0)
    return collected.events
