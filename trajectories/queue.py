"""The only door to the broker and the workers: it says which run to look at, the database says what is to be done."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from asgiref.sync import async_to_sync
from celery import current_app
from channels.layers import get_channel_layer
from django.db import transaction

EXECUTE: Final = "trajectories.execute_run"
SWEEP: Final = "trajectories.sweep_runs"
WORKERS: Final = "workers"
"""The channel group of all workers."""
CANCEL: Final = "run.cancel"
PAUSE: Final = "run.pause"


def enqueue(*, run_id: UUID, organization_id: UUID) -> None:
    """Wake a worker for a run when the transaction commits; a message that gets lost is sent again by the sweep."""
    _after_commit(lambda: _send(str(run_id), str(organization_id)))


def ask_to_cancel(*, run_id: UUID) -> None:
    """Tell the worker that has the run to stop it, when the transaction commits; its heartbeat tells it as well."""
    _after_commit(lambda: _broadcast({"type": CANCEL, "run_id": str(run_id)}))


def ask_to_pause(*, run_id: UUID) -> None:
    """Tell the worker that has the run to pause it, as `ask_to_cancel` does."""
    _after_commit(lambda: _broadcast({"type": PAUSE, "run_id": str(run_id)}))


def _after_commit(send: Callable[[], None]) -> None:
    """Send when the transaction commits; what is stored stays stored where the broker cannot be reached.

    Django logs the failure of a robust callable under its `__qualname__`, which a `partial` would not have.
    """
    transaction.on_commit(send, robust=True)


def _send(run_id: str, organization_id: str) -> None:
    current_app.send_task(EXECUTE, kwargs={"run_id": run_id, "organization_id": organization_id}, retry=False)


def _broadcast(message: dict[str, str]) -> None:
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(WORKERS, message)
