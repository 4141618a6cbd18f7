"""Looks at everything, whatever hangs, and tells it to people and to machines."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import asdict
from typing import Any, Final

from rlmlab.management.doctor import environments, machine, models, servers, tools
from rlmlab.management.doctor.findings import Area, Finding, State
from trajectories.background import in_background

DEADLINE_SECONDS: Final = 5.0
SIGNS: Final[Mapping[State, str]] = {"ok": "✓ ok", "warn": "! warn", "missing": "✗ missing", "none": "· none"}

# The first are looked at alone: starting an environment is timed.
FIRST: Final = (Area("Where code runs", environments.look),)
AREAS: Final = (
    Area("This machine", machine.look),
    *FIRST,
    Area("Database", servers.look_at_database),
    Area("Queue and worker", servers.look_at_broker),
    Area("Models", models.look),
    Area("For developers only", tools.look),
)

Report = Mapping[str, Sequence[Finding]]


def examine(areas: Sequence[Area] = AREAS, *, seconds: float = DEADLINE_SECONDS) -> Report:
    """Look at all areas at once; one that does not answer in time is a finding, too."""
    found: dict[str, Sequence[Finding]] = {}
    for together in ([area for area in areas if area in FIRST], [area for area in areas if area not in FIRST]):
        looks = {area.name: in_background(area.look) for area in together}
        wait(looks.values(), seconds)
        found |= {name: _result(look, seconds) for name, look in looks.items()}
    return {area.name: found[area.name] for area in areas}


def _result(look: "Future[Sequence[Finding]]", seconds: float) -> Sequence[Finding]:
    if look.done():
        return look.result()
    remedy = "What it asks is frozen or far away: look at its log, or start it again."
    return [Finding("no answer", "missing", f"none within {seconds:.0f} s", remedy, needed=True)]


def preventing(report: Report) -> list[str]:
    """Name what keeps runs from being executed."""
    return [finding.name for findings in report.values() for finding in findings if finding.prevents_runs]


def as_json(report: Report) -> dict[str, Any]:
    """Return the report for machines."""
    areas = {name: [asdict(finding) for finding in findings] for name, findings in report.items()}
    return {"can_run": not preventing(report), "areas": areas}


def as_text(report: Report, paint: Callable[[State, str], str]) -> str:
    """Lay the report out for people; `paint` may colour a sign, which says the same in letters."""
    width = max(len(finding.name) for findings in report.values() for finding in findings)
    lines = []
    for area, findings in report.items():
        lines += [area, *(line for finding in findings for line in _lines(finding, width, paint)), ""]
    stopped = preventing(report)
    lines.append(f"Runs cannot be executed: {', '.join(stopped)}." if stopped else "Runs can be executed.")
    return "\n".join(lines)


def _lines(finding: Finding, width: int, paint: Callable[[State, str], str]) -> list[str]:
    sign = paint(finding.state, f"{SIGNS[finding.state]:<9}")
    lines = [f"  {sign}  {finding.name:<{width}}  {finding.detail}"]
    if finding.remedy:
        lines.append(f"{'':<{width + 15}}→ {finding.remedy}")
    return lines
