"""How fast the environment `restricted` is ready, and what a cell costs there.

    python -m tests.benchmarks.sandbox_sessions [--quick]

From the pool: a spare guest waits. Cold: the zygote forks and jails a guest first. The very first session of a process
also starts the zygote; it is shown beside, since it happens once. The peer of readiness is a bare `fork` and `wait` of
this process; that of a cell is `exec` of the same compiled code here.
"""

import asyncio
import os
import statistics
import time

from sandbox.base import CellResult, HostCall, SessionSpec
from sandbox.restricted import RestrictedEnvironment
from tests.benchmarks.figures import figure, heading, milliseconds, options, spread

CELL = "total = sum(number * number for number in range(100))"


async def no_calls(call: HostCall) -> None:
    """Refuse: the cells call nothing."""
    raise AssertionError(call.name)


def fork_seconds() -> float:
    """Time the operating system's part: a child that ends at once."""
    started = time.perf_counter()
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return time.perf_counter() - started


async def ready_seconds(environment: RestrictedEnvironment, rounds: int, *, pooled: bool) -> list[float]:
    """Time opening a session; closing it, and filling the pool again, are not in it."""
    found = []
    for _ in range(rounds):
        while pooled and environment.spares == 0:  # noqa: ASYNC110 - nobody says when a spare is there
            await asyncio.sleep(0.005)
        started = time.perf_counter()
        session = await environment.open(SessionSpec())
        found.append(time.perf_counter() - started)
        await session.close()
    return found


async def cell_seconds(environment: RestrictedEnvironment, rounds: int) -> list[float]:
    """Time cells in one session."""
    session, found = await environment.open(SessionSpec()), []
    for _ in range(rounds):
        started = time.perf_counter()
        result: CellResult = await session.execute(CELL, handler=no_calls, on_output=lambda *_: None)
        found.append(time.perf_counter() - started)
        assert result.status == "ok"
    await session.close()
    return found[1:]  # the first one imports


def plain_seconds(rounds: int) -> list[float]:
    """Time the same code here."""
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        exec(compile(CELL, "<cell>", "exec"), {})  # noqa: S102 - the peer
        found.append(time.perf_counter() - started)
    return found


async def measure(*, quick: bool) -> None:
    """Measure the three."""
    rounds = 10 if quick else 200
    forked = milliseconds(statistics.median(fork_seconds() for _ in range(rounds)))
    cold, pool = RestrictedEnvironment(spares=0), RestrictedEnvironment()
    started = time.perf_counter()
    await cold.start()
    figure("first session, zygote and all", milliseconds(time.perf_counter() - started))
    await pool.start()
    print(f"  walls: {pool.level}")
    against = f"fork and wait of {forked}"
    figure(
        "ready from the pool", spread(await ready_seconds(pool, rounds, pooled=True)), against=against, limit="< 5 ms"
    )
    figure("ready cold", spread(await ready_seconds(cold, rounds, pooled=False)), against=against, limit="< 60 ms")
    cells, plain = await cell_seconds(pool, rounds * 5), statistics.median(plain_seconds(rounds * 5))
    beyond = [seconds - plain for seconds in cells]
    figure("a cell beyond plain exec", spread(beyond), against=f"exec of {milliseconds(plain)}", limit="< 1 ms")
    await cold.close()
    await pool.close()


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("sandbox_sessions", quick=found.quick)
    asyncio.run(measure(quick=found.quick))


if __name__ == "__main__":
    main()
