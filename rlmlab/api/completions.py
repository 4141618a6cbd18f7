"""A run's answer on its way to a client: waited for, or streamed with what the run does meanwhile."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from rlmlab.api import openai_errors
from rlmlab.api.open_streams import Place
from rlmlab.api.schemas.completions import Chunks, event
from rlmlab.errors import NotFound
from rlmlab.tenancy.principals import Principal
from trajectories import hub, progress, queries
from trajectories.attendance import Attended
from trajectories.models import Run

logger = logging.getLogger(__name__)

SILENCE_SECONDS: Final = 10.0
KEEP_ALIVE: Final = ": ping\n\n"


@dataclass(frozen=True, slots=True)
class Following:
    """Who waits for which run, in which of its places; `detached`: the run may go on without it."""

    by: Principal
    run: Run
    place: Place
    detached: bool

    @property
    def _ids(self) -> tuple[UUID, UUID]:
        return self.run.organization_id, self.run.id

    async def ended(self) -> Run:
        """Wait until the run has ended, and return it.

        Raises:
            NotFound: it was purged.
        """
        with self.place, Attended(self.by, self.run, detached=self.detached):
            await hub.finished(*self._ids)
        return await hub.in_pool(queries.run_for, self.by, self.run.id)

    async def streamed(self, chunks: Chunks, *, with_progress: bool) -> AsyncIterator[str]:
        """Yield the message's head, the run's progress while it works, then the answer or what went wrong."""
        with self.place, Attended(self.by, self.run, detached=self.detached):
            yield chunks.head()
            async for text in self._meanwhile(chunks, with_progress=with_progress):
                yield text
        for text in await self._outcome(chunks):
            yield text

    async def _meanwhile(self, chunks: Chunks, *, with_progress: bool) -> AsyncIterator[str]:
        """Yield progress until the run has ended, and a comment when nothing was sent for a while."""
        clock = asyncio.get_running_loop()
        sent_at = clock.time()
        async with aclosing(hub.follow(*self._ids, 0)) as frames:
            async for frame in frames:
                said = "".join(map(progress.line, frame.events)) if with_progress else ""
                if said or frame is hub.PING or clock.time() - sent_at > SILENCE_SECONDS:
                    sent_at = clock.time()
                    yield chunks.progress(said) if said else KEEP_ALIVE

    async def _outcome(self, chunks: Chunks) -> list[str]:
        """Return the answer's chunks; the status is sent already, so failures are told in the stream."""
        try:
            run = await hub.in_pool(queries.run_for, self.by, self.run.id)
            if run.answered:
                return list(chunks.answer(run))
            _, problem = openai_errors.problem_of_run(run)
        except NotFound as error:
            problem = openai_errors.Problem(error.detail, type=openai_errors.RUN_FAILED, code="run_purged")
        except Exception:
            logger.exception("the answer of run %s could not be sent", self.run.id)
            problem = openai_errors.Problem("The server failed; its log says why.", type="server_error")
        return [event(problem.body)]
