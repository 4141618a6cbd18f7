"""Combine the coverage data of all processes and hold it against the floors."""

import subprocess
import sys

# package pattern → least branch coverage in percent
FLOORS = {"rlmlab/*,sandbox/*,trajectories/*": 95, "rlmlab/engine/*,sandbox/*": 98}


def main() -> int:
    """Print a report for each floor and return 1 if one is missed."""
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet"], check=False)
    missed = 0
    for pattern, floor in FLOORS.items():
        command = [*coverage, "report", f"--include={pattern}", f"--fail-under={floor}", "--skip-covered"]
        missed += subprocess.run(command, check=False).returncode != 0
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
