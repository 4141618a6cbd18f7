"""The runner of this worker process, tied to Celery's life."""

import os
from functools import cache
from typing import Any

from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings

from rlmlab.engine.providers.base import Provider
from rlmlab.engine.providers.routing import build_provider
from trajectories.runner import Runner


@cache
def runner() -> Runner:
    """Return the process's runner, started."""
    made = Runner(make_provider)
    made.start()
    return made


def make_provider() -> Provider:
    """Build the provider of this process from its settings."""
    return build_provider(settings.RLMLAB, os.environ)


@worker_ready.connect  # type: ignore[untyped-decorator]  # celery has no types
def begin(**_: Any) -> None:
    """Start the loop, and look for runs that were left by a worker that died."""
    runner().sweep()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # celery has no types
def drain(**_: Any) -> None:
    """Let runs end, or give them up, while Celery waits for its threads."""
    runner().drain()


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # celery has no types
def stop(**_: Any) -> None:
    """End the loop."""
    runner().stop()
