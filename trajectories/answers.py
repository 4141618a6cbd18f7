"""The cache of sub-calls of one run: answers that its organization has paid for, while its project wants them."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from django.db.models import Exists, QuerySet

from rlmlab import scoping
from rlmlab.engine.cache import PaidAnswer
from rlmlab.engine.providers.access import Access
from rlmlab.engine.providers.catalog import LOCAL_PREFIX
from rlmlab.engine.providers.credentials import base_url_of
from rlmlab.tenancy.catalogs import catalog
from rlmlab.tenancy.models import Project
from trajectories.database import AWAY, Database
from trajectories.models import CachedAnswer, Run

logger = logging.getLogger(__name__)
LARGEST: Final = 1 << 20
"""Characters of an answer's JSON; no reply that a model may write is longer."""


class RunAnswers:
    """Finds and keeps answers for one run; what is asked for at the same time is one query, and so is what is kept."""

    def __init__(self, run: Run, access: Access, database: Database) -> None:
        self._run = run
        self._database = database
        self._catalog = catalog().for_access(access)
        self._wanted: dict[str, asyncio.Future[PaidAnswer | None]] = {}
        self._kept: list[PaidAnswer] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def endpoint(self, model: str) -> str:
        """Name the provider that a model's name leads to, and its address where one is set."""
        prefix = self._catalog.provider_of(model)
        own = self._catalog.access.credentials.get(prefix)
        if own is not None and own.base_url:
            return f"{prefix} {own.base_url}"
        if prefix == LOCAL_PREFIX:
            return f"{prefix} {self._catalog.local_url or ''}"
        return f"{prefix} {base_url_of(prefix, self._catalog.environ)}"

    async def find(self, key: str) -> PaidAnswer | None:
        """Return the answer to a question that was paid for; None also where the database is away."""
        if not self._wanted:
            self._start(self._look)
        found = self._wanted.setdefault(key, asyncio.get_running_loop().create_future())
        return await asyncio.shield(found)

    def keep(self, answer: PaidAnswer) -> None:
        """Keep an answer with the next ones; nobody waits for it."""
        if not self._kept:
            self._start(self._write)
        self._kept.append(answer)

    async def close(self) -> None:
        """Return when what was to be kept is kept."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def _start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        task = asyncio.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self) -> None:
        """Look up all that was asked for in this moment."""
        await asyncio.sleep(0)
        wanted, self._wanted = self._wanted, {}
        try:
            found = await self._database(find_answers, self._run, list(wanted))
        except AWAY:
            logger.warning("run %s asks models again: its cache cannot be reached", self._run.id, exc_info=True)
            found = {}
        except Exception as error:
            for waiting in wanted.values():
                waiting.set_exception(error)
            raise
        for key, waiting in wanted.items():
            waiting.set_result(found.get(key))

    async def _write(self) -> None:
        """Write all that was to be kept by now."""
        await asyncio.sleep(0)
        kept, self._kept = self._kept, []
        try:
            await self._database(keep_answers, self._run, kept)
        except AWAY:
            logger.warning("%d answers of run %s are not cached", len(kept), self._run.id, exc_info=True)


def find_answers(run: Run, keys: Sequence[str]) -> dict[str, PaidAnswer]:
    """Return what was paid for, by key; nothing where the project does not want it any more."""
    with scoping.organization(run.organization_id):
        rows = CachedAnswer.objects.for_org(run.organization_id).filter(Exists(_wanting(run)), key__in=keys)
        return {row.key: _paid(row) for row in rows}


def keep_answers(run: Run, answers: Sequence[PaidAnswer]) -> None:
    """Store answers, each question's first one, if the project wants that."""
    with scoping.organization(run.organization_id):
        if _wanting(run).exists():
            rows = [_row(run, answer) for answer in answers]
            CachedAnswer.objects.bulk_create([row for row in rows if len(row.answer) <= LARGEST], ignore_conflicts=True)


def _wanting(run: Run) -> QuerySet[Project]:
    """Find the run's project where its cache is on."""
    return Project.objects.for_org(run.organization_id).filter(id=run.project_id, cache_sub_calls=True)


def _row(run: Run, answer: PaidAnswer) -> CachedAnswer:
    return CachedAnswer(
        organization_id=run.organization_id,
        key=answer.key,
        model=answer.model,
        answer=json.dumps(answer.answer),
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        cost_usd=answer.cost_usd,
        run_id=run.id,
        span_id=answer.span_id,
    )


def _paid(row: CachedAnswer) -> PaidAnswer:
    return PaidAnswer(
        key=row.key,
        model=row.model,
        answer=json.loads(row.answer),
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=row.cost_usd,
        run_id=str(row.run_id),
        span_id=row.span_id,
    )
