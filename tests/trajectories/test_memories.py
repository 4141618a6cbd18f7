"""The memory of a run: the engine's contract, kept by the store; and what a run is shown and tells of it."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from memory.actions import add_memory, pin_memory
from memory.queries import memories_page
from rlmlab.engine.errors import MemoryUnavailable
from tests.engine.fakes.memory_contract import MemoryContract
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from trajectories.memories import RunMemory, pinned_for
from trajectories.models import Run


async def in_thread(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return await sync_to_async(work)(*args, **kwargs)


async def away(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    raise OperationalError


@pytest.fixture
def run(transactional_db: None, acme: Tenant) -> Run:
    return make_run(acme.principal, acme.project, use_memory=True)


class TestStoredMemory(MemoryContract):
    @pytest.fixture
    def memory(self, run: Run) -> RunMemory:
        return RunMemory(run, in_thread)


async def test_what_a_run_remembers_names_it(acme: Tenant, run: Run) -> None:
    kept = await RunMemory(run, in_thread).remember("The badge opens the door.")
    page = await sync_to_async(memories_page)(acme.principal, acme.project)
    (memory,) = page.items
    assert (str(memory.id), memory.source_run_id, memory.trust) == (kept.id, run.id, "agent_inferred")


async def test_trouble_reaches_the_cell_in_words(run: Run) -> None:
    for ask in (lambda memory: memory.recall("x", 8), lambda memory: memory.remember("x")):
        with pytest.raises(MemoryUnavailable, match="cannot be reached at the moment"):
            await ask(RunMemory(run, away))
    with pytest.raises(MemoryUnavailable, match="text: has 4,001 characters; 4,000 are allowed"):
        await RunMemory(run, in_thread).remember("x" * 4_001)


def test_pinned_memories_are_told_in_the_engines_words(acme: Tenant, run: Run) -> None:
    memory = add_memory(by=acme.principal, project=acme.project, text="Prices are in euros.").memory
    add_memory(by=acme.principal, project=acme.project, text="Not pinned.")
    pin_memory(by=acme.principal, memory_id=memory.id, pinned=True)
    (told,) = pinned_for(run)
    assert (told.id, told.text, told.kind, told.trust) == (
        str(memory.id),
        "Prices are in euros.",
        "fact",
        "user_stated",
    )
    assert told.created_at == memory.created_at.isoformat()
