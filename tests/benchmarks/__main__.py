"""Run every benchmark, one after another, and write their figures into the table of docs/performance.md.

    python -m tests.benchmarks [--quick] [name …]

With names, only those; the others' rows stay as they are. With `--quick` nothing is written: quick figures measure
little. A benchmark that fails is told at the end, and its rows stay.
"""

import argparse
import datetime as dt
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

NAMES = (
    "engine_steps",
    "stored_steps",
    "batched_sub_calls",
    "rlm_sub_call",
    "sandbox_sessions",
    "large_context",
    "peers",
    "worker_to_browser",
    "many_viewers",
    "run_list",
    "large_run",
    "many_runs",
    "starting",
    "idle_installation",
)
"""In the order of the table. `batched_calls` is part of `batched_sub_calls`; `local_model_tasks` measures a model."""
ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "performance.md"
HEAD = "| figure | measured | floor or peer in the same run | wanted |\n|---|---|---|---|\n"

Figure = dict[str, str]


def run(name: str, *, quick: bool) -> list[Figure] | None:
    """Run one and return its figures; None when it failed."""
    with tempfile.NamedTemporaryFile() as kept:
        command = [sys.executable, "-m", f"tests.benchmarks.{name}", *(["--quick"] if quick else [])]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"BENCHMARK_FIGURES": kept.name}, check=False)
        if done.returncode:
            return None
        return [json.loads(line) for line in Path(kept.name).read_text().splitlines()]


def section(name: str, figures: Sequence[Figure]) -> str:
    """Write a benchmark's part of the document: when and where it ran, its command, its figures."""
    cores = os.cpu_count()
    ran = f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}, {cores} cores, Python {platform.python_version()}"
    rows = [
        f"| {row['what']} | {row['shown']} | {row['against'] or '-'} | {row['limit'] or '-'} |".replace("<=", "≤")
        for row in figures
    ]
    return f"`python -m tests.benchmarks.{name}` ({ran})\n\n{HEAD}" + "\n".join(rows) + "\n"


def replaced(text: str, name: str, body: str) -> str:
    """Put a benchmark's part between its marks.

    Raises:
        ValueError: the document has no such marks.
    """
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(text):
        raise ValueError(f"{TABLE.name} has no place for {name}")
    return marks.sub(lambda found: f"{found[1]}{body}{found[2]}", text)


def main() -> int:
    """Run what is asked for; return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    failed = []
    for name in asked.names or NAMES:
        figures = run(name, quick=asked.quick)
        if figures is None:
            failed.append(name)
        elif not asked.quick:
            TABLE.write_text(replaced(TABLE.read_text(), name, section(name, figures)))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
