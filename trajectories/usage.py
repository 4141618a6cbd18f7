"""What an organization's runs amount to: by project and by day. Runs that evaluate prompts are not counted."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Max, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from rlmlab import scoping
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.models import Run
from trajectories.models.runs import Purpose, RunQuerySet, RunStatus

DAYS: Final = 30
WEEK: Final = 7
PROJECTS: Final = 50
FAILURES: Final = 5


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over runs; but for `runs`, `running`, `queued` and `last_at` those that were started in the last 30 days.

    `cost_usd` is what is known: in `unpriced` runs some model has no price. `tokens` are input and output.
    """

    runs: int = 0
    running: int = 0
    queued: int = 0
    week: int = 0
    month: int = 0
    succeeded: int = 0
    failed: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    tokens: int = 0
    last_at: datetime | None = None

    @property
    def success(self) -> float | None:
        """The share of those that succeeded among those that succeeded or failed; None where there is neither."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None

    def __add__(self, other: "Usage") -> "Usage":
        sums = {item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)[:-1]}
        moments = [moment for moment in (self.last_at, other.last_at) if moment is not None]
        return Usage(**sums, last_at=max(moments, default=None))


@dataclass(frozen=True, slots=True)
class Day:
    """The runs that were started on a day, in UTC."""

    date: date
    runs: int = 0
    failed: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """An organization at a glance.

    `projects` are those used last, at most 50 of `project_count`; `total` sums over all; `days` are the last 30,
    oldest first.
    """

    total: Usage
    projects: Sequence[tuple[Project, Usage]]
    project_count: int
    days: Sequence[Day]
    failures: Sequence[Run]


def overview_of(principal: Principal) -> Overview:
    """Sum up an organization's runs."""
    principal.require("project.view")
    principal.require("run.view")
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=DAYS - 1)
    with scoping.organization(principal.organization):
        runs = Run.objects.for_org(principal.organization).filter(purpose=Purpose.USER)
        by_project = {row.pop("project_id"): _usage(row) for row in _by_project(runs, today, since)}
        projects = list(Project.objects.for_org(principal.organization).order_by("name", "slug"))
        by_day = {row["date"]: Day(**row | {"cost_usd": row["cost_usd"] or 0.0}) for row in _by_day(runs, since)}
        failures = runs.filter(status=RunStatus.FAILED, created_at__gte=since).select_related("project")
        failed = list(failures.order_by("-created_at", "-id")[:FAILURES])
    used = [(project, by_project.get(project.id, Usage())) for project in projects]
    used.sort(key=lambda pair: -pair[1].last_at.timestamp() if pair[1].last_at else 0.0)
    dates = [(since + timedelta(days=number)).date() for number in range(DAYS)]
    return Overview(
        total=sum(by_project.values(), Usage()),
        projects=used[:PROJECTS],
        project_count=len(projects),
        days=[by_day.get(day, Day(day)) for day in dates],
        failures=failed,
    )


def _by_project(runs: RunQuerySet, today: datetime, since: datetime) -> Any:
    recent = Q(created_at__gte=since)
    return runs.values("project_id").annotate(
        runs=Count("id"),
        running=Count("id", filter=Q(status=RunStatus.RUNNING)),
        queued=Count("id", filter=Q(status=RunStatus.QUEUED)),
        week=Count("id", filter=Q(created_at__gte=today - timedelta(days=WEEK - 1))),
        month=Count("id", filter=recent),
        succeeded=Count("id", filter=recent & Q(status=RunStatus.SUCCEEDED)),
        failed=Count("id", filter=recent & Q(status=RunStatus.FAILED)),
        known_usd=Sum("cost_usd", filter=recent),
        unpriced=Count("id", filter=recent & Q(cost_usd=None)),
        spent_tokens=Sum(F("input_tokens") + F("output_tokens"), filter=recent),
        last_at=Max("created_at"),
    )


def _usage(row: dict[str, Any]) -> Usage:
    return Usage(cost_usd=row.pop("known_usd") or 0.0, tokens=row.pop("spent_tokens") or 0, **row)


def _by_day(runs: RunQuerySet, since: datetime) -> Any:
    days = runs.filter(created_at__gte=since).annotate(date=TruncDate("created_at")).values("date")
    return days.annotate(
        runs=Count("id"),
        failed=Count("id", filter=Q(status=RunStatus.FAILED)),
        unpriced=Count("id", filter=Q(cost_usd=None)),
        cost_usd=Sum("cost_usd"),
    )
