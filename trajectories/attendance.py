"""Who waits for a run in this process: when the last of them goes away, nobody wants the answer and the run is stopped.

It is stopped a moment later and from this process's event loop. So a client that lost its line and comes again finds
its run at work, and a server that is shut down, which cuts its clients off, takes no run with it.
"""

import asyncio
import logging
from collections import Counter
from contextvars import Context
from types import TracebackType
from typing import Final
from uuid import UUID

from django.db import DatabaseError

from rlmlab.errors import DomainError
from rlmlab.tenancy.principals import Principal
from trajectories import hub
from trajectories.actions.runs import cancel_run
from trajectories.models import Run

logger = logging.getLogger(__name__)

GRACE_SECONDS: Final = 2.0
LEFT: Final = (asyncio.CancelledError, GeneratorExit)
_waiting: Counter[UUID] = Counter()
_farewells: set["asyncio.Task[None]"] = set()


class Attended:
    """A block, in the event loop, in which a client waits for a run; `detached` lets the run go on without it."""

    def __init__(self, by: Principal, run: Run, *, detached: bool) -> None:
        self._by = by
        self._run = run
        self._detached = detached

    def __enter__(self) -> None:
        _waiting[self._run.id] += 1

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        _waiting[self._run.id] -= 1
        if not _waiting[self._run.id]:
            del _waiting[self._run.id]
        if kind is not None and issubclass(kind, LEFT) and not self._detached:
            task = asyncio.get_running_loop().create_task(_farewell(self._by, self._run), context=Context())
            _farewells.add(task)
            task.add_done_callback(_farewells.discard)


async def _farewell(by: Principal, run: Run) -> None:
    await asyncio.sleep(GRACE_SECONDS)
    if _waiting[run.id]:
        return
    try:
        await hub.in_pool(cancel_run, by=by, run=run)
    except DomainError:
        logger.debug("run %s needs no stopping: it has ended", run.id)
    except DatabaseError:
        logger.warning("run %s goes on without a client: it could not be stopped", run.id, exc_info=True)
