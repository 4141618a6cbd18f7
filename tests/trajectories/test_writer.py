"""Batches of many runs: who shares a transaction, whose failure is whose, and what order there is."""

import asyncio
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from rlmlab.engine.errors import LostLease
from rlmlab.engine.projection import Projection
from tests.factories.runs import hold, make_run, reload, steps
from tests.factories.tenancy import Tenant
from trajectories import leases, store
from trajectories.models import Run
from trajectories.store import Batch, Holder
from trajectories.writer import MOST_TOGETHER, MOST_TRANSACTIONS, Writer

P = ParamSpec("P")
T = TypeVar("T")


def together(work: object) -> bool:
    """Tell whether several batches are stored at once."""
    return work is store.append_all


class FakeDatabase:
    """Notes which runs each transaction has; waits at its gate, and fails where a run is among the poisoned."""

    def __init__(self) -> None:
        self.transactions: list[list[int]] = []
        self.poisoned: dict[int, Exception] = {}
        self.lost: set[int] = set()
        self.open = self.most_open = 0
        self.gate = asyncio.Event()

    async def __call__(self, work: Callable[P, T], /, *args: P.args, **_: P.kwargs) -> T:
        given: Any = args[0] if together(work) else [args]
        runs = [holder.run_id.int for holder, _ in given]
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await self.gate.wait()
        self.open -= 1
        for run in runs:
            if run in self.poisoned:
                raise self.poisoned[run]
        self.transactions.append(runs)
        problems = [LostLease("another's") if run in self.lost else None for run in runs]
        if together(work):
            return cast("T", problems)
        if problems[0] is not None:
            raise problems[0]
        return cast("T", None)


class Setup:
    """A writer over the fake."""

    def __init__(self) -> None:
        self.database = FakeDatabase()
        self.writer = Writer(self.database)

    def append(self, run: int, organization: int = 1) -> "asyncio.Task[None]":
        holder = Holder(UUID(int=run), UUID(int=organization), "tests", 1)
        return asyncio.create_task(self.writer.append(holder, Batch([], [], Projection().totals, Projection().saved)))

    async def settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
async def setup() -> Any:
    return Setup()


async def test_batches_that_wait_share_the_next_transaction_of_their_organization(setup: Setup) -> None:
    first = setup.append(1)
    await setup.settle()
    others = [setup.append(run) for run in (2, 3, 4)] + [setup.append(5, organization=2)]
    await setup.settle()
    setup.database.gate.set()
    await asyncio.gather(first, *others)
    assert sorted(setup.database.transactions) == [[1], [2, 3, 4], [5]]


async def test_only_so_many_batches_go_together(setup: Setup) -> None:
    first = setup.append(0)
    await setup.settle()
    others = [setup.append(run) for run in range(1, MOST_TOGETHER + 6)]
    await setup.settle()
    setup.database.gate.set()
    await asyncio.gather(first, *others)
    assert [len(runs) for runs in setup.database.transactions] == [1, MOST_TOGETHER, 5]


async def test_only_so_many_transactions_are_open_and_the_others_have_their_turn(setup: Setup) -> None:
    appended = [setup.append(run, organization=run) for run in range(1, 9)]
    await setup.settle()
    setup.database.gate.set()
    await asyncio.gather(*appended)
    assert setup.database.most_open == MOST_TRANSACTIONS
    assert sorted(setup.database.transactions) == [[run] for run in range(1, 9)]


async def test_two_batches_of_one_run_never_share_a_transaction(setup: Setup) -> None:
    first = setup.append(1)
    await setup.settle()
    others = [setup.append(2), setup.append(2), setup.append(3)]
    await setup.settle()
    setup.database.gate.set()
    await asyncio.gather(first, *others)
    assert setup.database.transactions == [[1], [2, 3], [2]]


@pytest.mark.parametrize("failure", [ValueError("not storable"), OperationalError("gone")])
async def test_batch_that_cannot_be_stored_harms_no_other(setup: Setup, failure: Exception) -> None:
    setup.database.poisoned = {3: failure}
    first = setup.append(1)
    await setup.settle()
    others = [setup.append(run) for run in (2, 3, 4)]
    await setup.settle()
    setup.database.gate.set()
    found = await asyncio.gather(first, *others, return_exceptions=True)
    assert found == [None, None, failure, None]
    assert setup.database.transactions == [[1], [2], [4]]


async def test_lost_lease_is_told_to_its_run_alone(setup: Setup) -> None:
    setup.database.lost = {3}
    first = setup.append(1)
    await setup.settle()
    others = [setup.append(run) for run in (2, 3)]
    await setup.settle()
    setup.database.gate.set()
    found = await asyncio.gather(first, *others, return_exceptions=True)
    assert [type(each) for each in found] == [type(None), type(None), LostLease]
    assert setup.database.transactions == [[1], [2, 3]]


async def test_cancelled_caller_takes_no_batch_back(setup: Setup) -> None:
    first = setup.append(1)
    await setup.settle()
    second = setup.append(2)
    await setup.settle()
    first.cancel()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    setup.database.gate.set()
    await setup.writer.close()
    assert setup.database.transactions == [[1], [2]]


def test_runs_of_one_transaction_each_have_their_fence(acme: Tenant) -> None:
    made = [make_run(acme.principal, acme.project) for _ in range(4)]
    whole, begun, lost, gap = made
    holders = [hold(run) for run in made]
    leases.give_up(holders[2])
    given = [
        (holders[0], store.take(Projection(), steps(whole))),
        (holders[1], store.take(Projection(), steps(begun)[:4])),
        (holders[2], store.take(Projection(), steps(lost))),
        (holders[3], store.Batch(steps(gap)[3:5], [], Projection().totals, Projection().saved)),
    ]
    problems = store.append_all(given)
    assert [type(problem) for problem in problems] == [type(None), type(None), LostLease, LostLease]
    assert [(reload(run).status, reload(run).last_seq) for run in made] == [
        ("succeeded", len(steps(whole))),
        ("running", 4),
        ("queued", 0),
        ("running", 0),
    ]
    assert store.append_all(given[:2]) == [None, None]  # they are there already
    assert reload(begun).last_seq == 4


@pytest.mark.django_db(transaction=True)
async def test_runs_of_a_real_database_are_stored_together_and_whole(acme: Tenant) -> None:
    made = [await sync_to_async(make_run)(acme.principal, acme.project) for _ in range(5)]
    counted: list[int] = []

    async def database(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        given: Any = args[0]
        counted.append(len(given) if together(work) else 1)
        return await sync_to_async(work)(*args, **kwargs)

    async def record(run: Run) -> None:
        holder, projection, events = await sync_to_async(hold)(run), Projection(), steps(run, 2)
        for start in range(0, len(events), 4):
            await writer.append(holder, store.take(projection, events[start : start + 4]))

    writer = Writer(database)
    await asyncio.gather(*(record(run) for run in made))
    ended = [await sync_to_async(reload)(run) for run in made]
    assert {(run.status, run.input_tokens, run.steps) for run in ended} == {("succeeded", 200, 2)}
    assert max(counted) > 1
