"""1, 50 and 200 viewers of one run at 100 events a second: how late each sees each event, and that none is lost.

    python -m tests.benchmarks.many_viewers [--quick]

This process writes like a worker and holds all the viewers, so on a small machine it competes with the web process that
is measured: the figures are an upper bound. The peer is one viewer of the same run at the same pace.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.benchmarks.figures import figure, heading, milliseconds, options, percentile
from tests.benchmarks.installation import servers  # first: it settles where the data lies
from tests.benchmarks.watching import Seen, seconds_of, watch, write_like_a_worker

VIEWERS, QUICK_VIEWERS = (1, 50, 200), (1, 20)
PAUSE_SECONDS = 0.01


async def watched(run: Any, holder: Any, url: str, key: str, *, viewers: int, count: int) -> Sequence[Seen]:
    """Let `viewers` follow a run of `count` events that starts when the last of them is in."""
    joined, waited_for = asyncio.Event(), viewers

    def one_more() -> None:
        nonlocal waited_for
        waited_for -= 1
        if waited_for == 0:
            joined.set()

    writing = write_like_a_worker(run, holder, count, joined, pause=lambda: PAUSE_SECONDS, at_once=False)
    found, _ = await asyncio.gather(asyncio.gather(*(watch(url, key, one_more) for _ in range(viewers))), writing)
    return found


def measure(*, quick: bool) -> None:
    """Watch a run alone, then together."""
    from tests.factories.runs import hold, make_run
    from tests.factories.tenancy import make_tenant
    from tests.live import web

    tenant, count = make_tenant("acme", "ada@acme.example"), 100 if quick else 3_000
    alone = 0.0
    with web() as site:
        for viewers in QUICK_VIEWERS if quick else VIEWERS:
            run = make_run(tenant.principal, tenant.project)
            url = f"{site.websocket_url}/ws/runs/{run.id}/?after=0"
            found = asyncio.run(watched(run, hold(run), url, tenant.key, viewers=viewers, count=count))
            assert all(list(seen) == list(range(2, count + 3)) for seen in found), "an event was lost or out of order"
            late = [seconds for seen in found for seconds in seconds_of(seen)]
            most = percentile(late, 0.99)
            alone = alone or most
            who, half = f"{viewers} viewer{'s' * (viewers > 1)}", milliseconds(percentile(late, 0.5))
            figure(f"{who}, {len(late)} events read, p50", half)
            against = f"one viewer's {milliseconds(alone)}"
            figure(f"{who}, p99", f"{milliseconds(most)}, ratio {most / alone:.1f}", against=against, limit="< 500 ms")


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("many_viewers", quick=found.quick)
    with servers():
        measure(quick=found.quick)


if __name__ == "__main__":
    main()
