"""What the broker can ask of a worker."""

from typing import Any
from uuid import UUID

from celery import shared_task

from trajectories import queue
from trajectories.worker import runner


@shared_task(name=queue.EXECUTE)  # type: ignore[untyped-decorator]  # celery has no types
def execute_run(*, run_id: str, organization_id: str, **_: Any) -> None:
    """Take the run whose turn it is, which may be another; where every place is taken, leave the message to others."""
    if not runner().wake():
        queue.enqueue(run_id=UUID(run_id), organization_id=UUID(organization_id))


@shared_task(name=queue.SWEEP)  # type: ignore[untyped-decorator]  # celery has no types
def sweep_runs(**_: Any) -> None:
    """Wake workers for runs that nobody works on."""
    runner().sweep()
