"""The last client that goes away takes its run with it, a moment later."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.factories.runs import finished_run, make_run, reload
from tests.factories.tenancy import Tenant
from trajectories import attendance
from trajectories.attendance import Attended
from trajectories.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
in_thread: Callable[..., Any] = sync_to_async


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attendance, "GRACE_SECONDS", 0.1)


async def wait_for(acme: Tenant, run: Run, *, detached: bool = False) -> None:
    with Attended(acme.principal, run, detached=detached):
        await asyncio.Event().wait()


async def leave(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def farewells() -> None:
    async with asyncio.timeout(10):
        while attendance._farewells:
            await asyncio.gather(*attendance._farewells)


async def status_after(acme: Tenant, run: Run, *, detached: bool = False) -> str:
    task = asyncio.create_task(wait_for(acme, run, detached=detached))
    await asyncio.sleep(0)
    await leave(task)
    await farewells()
    return str((await in_thread(reload)(run)).status)


async def test_a_run_that_nobody_waits_for_any_more_is_stopped(acme: Tenant) -> None:
    run = await in_thread(make_run)(acme.principal, acme.project)
    assert await status_after(acme, run) == "cancelled"
    assert attendance._waiting == {}


async def test_a_run_whose_client_said_so_goes_on(acme: Tenant) -> None:
    run = await in_thread(make_run)(acme.principal, acme.project)
    assert await status_after(acme, run, detached=True) == "queued"


async def test_a_run_that_has_ended_stays_as_it_is(acme: Tenant) -> None:
    run = await in_thread(finished_run)(acme.principal, acme.project)
    assert await status_after(acme, run) == "succeeded"


async def test_a_run_that_somebody_else_waits_for_goes_on_until_they_leave(acme: Tenant) -> None:
    run = await in_thread(make_run)(acme.principal, acme.project)
    first, second = (asyncio.create_task(wait_for(acme, run)) for _ in range(2))
    await asyncio.sleep(0)
    await leave(first)
    await farewells()
    assert (await in_thread(reload)(run)).status == "queued"
    await leave(second)
    await farewells()
    assert (await in_thread(reload)(run)).status == "cancelled"


async def test_who_waited_to_the_end_stops_nothing(acme: Tenant) -> None:
    run = await in_thread(make_run)(acme.principal, acme.project)
    with Attended(acme.principal, run, detached=False):
        pass
    with pytest.raises(ValueError, match="own"), Attended(acme.principal, run, detached=False):
        raise ValueError("own")
    assert attendance._farewells == set()
