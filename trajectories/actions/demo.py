"""The demo: a question over one long real text whose answer plain code knows, so that the page says who was right."""

from django.conf import settings

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.actions.runs import start_run
from trajectories.demo.source import demo_text
from trajectories.demo.tasks import TASKS, Task, normalise
from trajectories.models import DemoCheck, Run
from trajectories.requests import RunRequest


def start_demo(*, by: Principal, project: Project, task: Task) -> DemoCheck:
    """Start a run that asks the local model one of the demo's questions, and keep what plain code expects.

    Raises:
        SourceMissing: this Python came without its own source.
        Invalid: the local model or the environment cannot be used here.
    """
    text = demo_text()
    request = RunRequest(
        task=task.question,
        context=text,
        model=settings.RLMLAB.local_model,
        title=f"Demo: {task.question}",
        tags=("demo",),
    )
    with scoping.organization(by.organization):
        run = start_run(by=by, project=project, request=request)
        return DemoCheck.objects.create(
            organization=by.organization, run=run, question=task.question, expected=normalise(task.expected(text))
        )


def settle_demo(*, by: Principal, run: Run) -> DemoCheck:
    """Compare the answer of a demo run that has ended with what plain code expects; settling twice changes nothing."""
    with scoping.organization(by.organization):
        checks = DemoCheck.objects.for_org(by.organization).select_for_update(of=("self",))
        check = checks.select_related("run").get(run=run)
        if check.passed is not None or not check.run.is_terminal:
            return check
        task = next(task for task in TASKS if task.question == check.question)
        verdict = task.check("" if check.run.answer is None else check.run.answer, demo_text())
        check.got, check.expected = verdict.got, verdict.expected
        check.passed = verdict.passed and check.run.status == "succeeded"
        check.save(update_fields=["got", "expected", "passed"])
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="demo.settle",
            object_type="run",
            object_id=run.id,
            changes={"title": check.run.title, "passed": check.passed},
        )
    return check
