"""What a benchmark prints: where it ran, and each figure beside what it is measured against.

With `BENCHMARK_FIGURES` in the environment, the figures are also added to the file of that name, a JSON object a line,
from which `python -m tests.benchmarks` makes its table.
"""

import argparse
import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path


def options(module_doc: str | None) -> argparse.Namespace:
    """Read the command line: every benchmark has `--quick`, which shows that it works and measures little."""
    parser = argparse.ArgumentParser(description=module_doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds, small sizes")
    return parser.parse_args()


def heading(name: str, *, quick: bool) -> None:
    """Say what is measured by which command on what."""
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"$ python -m tests.benchmarks.{name}{' --quick' if quick else ''}")
    print(f"  {cores} cores, load {load:.1f}, Python {platform.python_version()}, {platform.machine()}")


def figure(what: str, shown: str, *, against: str = "", limit: str = "") -> None:
    """Print one figure."""
    parts = [shown, f"against {against}" if against else "", f"wanted {limit}" if limit else ""]
    print(f"  {what}: {', '.join(part for part in parts if part)}", flush=True)
    if kept := os.environ.get("BENCHMARK_FIGURES"):
        with Path(kept).open("a") as file:
            file.write(json.dumps({"what": what.strip(), "shown": shown, "against": against, "limit": limit}) + "\n")


def milliseconds(seconds: float) -> str:
    """Show a time."""
    return f"{seconds * 1000:.2f} ms"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the others do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def spread(values: Sequence[float]) -> str:
    """Show the median of times and their 90th percentile."""
    return f"{milliseconds(statistics.median(values))} (p90 {milliseconds(percentile(values, 0.9))})"
