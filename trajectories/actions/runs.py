"""Starting and stopping runs."""

from dataclasses import asdict

from django.conf import settings

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.errors import Conflict, NotFound
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories import contexts, queue
from trajectories.actions.files import refuse_foreign
from trajectories.actions.idempotency import IdempotentRequest, earlier_run, remember
from trajectories.closing import close_waiting
from trajectories.improvement.examples import attach_examples, select_examples
from trajectories.improvement.prompts import version_for_run
from trajectories.models import Run, RunInput
from trajectories.models.runs import Mode, Purpose, RunStatus
from trajectories.requests import RunPlan, RunRequest, plan
from trajectories.routing import settle_mode


def start_run(
    *,
    by: Principal,
    project: Project,
    request: RunRequest,
    idempotent: IdempotentRequest | None = None,
    purpose: Purpose = Purpose.USER,
) -> Run:
    """Make a run and wake a worker for it; a request that is repeated under its idempotency key answers the same run.

    Raises:
        Invalid: naming every wrong field; nothing is stored.
        Conflict: the idempotency key was used for another request.
        NotFound: the project is another organization's.
    """
    by.require("run.create")
    refuse_foreign(by, project)
    with scoping.organization(by.organization):
        if idempotent is not None and (run := earlier_run(by=by, project=project, request=idempotent)) is not None:
            return run
        planned = plan(request, organization=by.organization, project=project)
        run = new_run(by, project, planned)
        run.purpose = purpose
        inputs = contexts.attach(run, context=request.context, files=request.files)
        settle_mode(run, planned.info, request)
        run.prompt_version = None if run.mode == Mode.DIRECT else version_for_run(project, request.prompt)
        run.use_examples, run.use_memory = request.use_examples, request.use_memory
        run.use_cache = project.cache_sub_calls
        run.response_schema = dict(request.response_schema) if request.response_schema is not None else None
        run.save(force_insert=True)
        RunInput.objects.bulk_create(inputs)
        if run.use_examples:
            attach_examples(run, select_examples(project, run.task))
        if idempotent is not None:
            remember(by=by, run=run, request=idempotent)
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="run.create",
            object_type="run",
            object_id=run.id,
            changes={"title": run.title, "model": run.model, "environment": run.environment, "project": project.slug},
        )
        queue.enqueue(run_id=run.id, organization_id=by.organization_id)
    return run


def new_run(by: Principal, project: Project, planned: RunPlan) -> Run:
    """Return a run as it is planned, not stored yet; it has neither inputs nor a prompt."""
    return Run(
        organization=by.organization,
        project=project,
        task=planned.task,
        title=planned.title,
        model=planned.model,
        sub_model=planned.sub_model,
        depth_models=list(planned.depth_models),
        fallback_models=list(planned.fallback_models),
        environment=planned.environment.name,
        environment_level=planned.environment.level,
        profile=settings.RLMLAB.sandbox_profile,
        seed=planned.seed,
        priority=planned.priority,
        tags=list(planned.tags),
        tools=list(planned.tools),
        created_by_kind=by.actor.kind,
        created_by_id=by.actor.id,
        cost_limit_given=planned.cost_limit_given,
        **asdict(planned.budget),
    )


def cancel_run(*, by: Principal, run: Run) -> Run:
    """Stop a run: one that waits ends at once, one that works is told to; asking again changes nothing.

    Raises:
        Conflict: it has ended already.
    """
    by.require("run.cancel")
    with scoping.organization(by.organization):
        found = Run.objects.for_org(by.organization).shown().select_for_update(of=("self",))
        locked = found.filter(id=run.id).first()
        if locked is None:
            raise NotFound(f"There is no run {run.id}.")
        if locked.status == RunStatus.CANCELLED or (locked.cancel_requested and not locked.is_terminal):
            return locked
        if locked.is_terminal:
            raise Conflict(f"The run has already ended: it {locked.status}.")
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="run.cancel",
            object_type="run",
            object_id=locked.id,
            changes={"title": locked.title},
        )
        stop(locked)
    return locked


def stop(run: Run) -> None:
    """Stop an unfinished run whose row the caller has locked."""
    run.cancel_requested = True
    run.save(update_fields=["cancel_requested"])
    if run.status in {RunStatus.QUEUED, RunStatus.PAUSED}:
        close_waiting(run)
    else:
        queue.ask_to_cancel(run_id=run.id)
