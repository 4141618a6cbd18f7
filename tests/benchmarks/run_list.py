"""The list of a project's runs with a million of them: the first page, a later one, filtered and searched.

    python -m tests.benchmarks.run_list [--quick]

The runs are inserted by one statement, spread over ten projects, four models and a year; then the page's own query is
asked, as the console and the API do. The floor is reading one run by its id in the same database.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.figures import figure, heading, milliseconds, options, percentile
from tests.benchmarks.installation import servers  # first: it settles where the data lies

RUNS, QUICK_RUNS = 1_000_000, 20_000
PROJECTS = 10
ROUNDS = 40
QUERIES = (
    "",
    "status:failed",
    "status:cancelled",
    "model:gpt-5*",
    "model:o9*",
    "tag:nightly",
    "tag:none",
    "invoice",
    "zebra",
    "status:succeeded tag:nightly invoice",
)
"""Common ones, and for each kind one that finds nothing: the whole list is read for it unless an index knows."""
MODELS = ["openai/gpt-5-mini", "openai/gpt-4.1", "anthropic/claude-opus-4", "local/gemma-3-270m"]
VARIED = {
    "id": "gen_random_uuid()",
    "project_id": "(%(projects)s::uuid[])[1 + n %% %(count)s]",
    "title": "(ARRAY['Sum the invoices of ', 'Count the birds in ', 'Compare the contracts of '])[1 + n %% 3] || n",
    "model": "(%(models)s::text[])[1 + n %% 4]",
    "tags": "CASE WHEN n %% 50 = 0 THEN ARRAY['nightly'] ELSE ARRAY[]::text[] END",
    "status": "CASE WHEN n %% 20 = 0 THEN 'failed' ELSE 'succeeded' END",
    "error_code": "CASE WHEN n %% 20 = 0 THEN 'timeout' ELSE '' END",
    "finish_reason": "CASE WHEN n %% 20 = 0 THEN 'timeout' ELSE 'submitted' END",
    "created_at": "now() - n * interval '30 seconds'",
}
"""Columns that differ from run to run, as SQL over the number `n`; the others are the sample's."""


def seconds_of(work: Callable[[], Any]) -> list[float]:
    """Time something often; the first time is not counted."""
    found = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return found[1:]


def fill(tenant: Any, runs: int) -> None:
    """Make so many runs of one that has ended."""
    import psycopg
    from django.db import connections

    from rlmlab.tenancy.actions.projects import create_project
    from tests.factories.runs import finished_run
    from trajectories.models import Run

    projects = [tenant.project.id]
    projects += [create_project(by=tenant.principal, slug=f"p-{n}").id for n in range(1, PROJECTS)]
    sample = finished_run(tenant.principal, tenant.project)
    parameters = connections["owner"].get_connection_params()
    known = {name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if name in parameters}
    with psycopg.connect(**known, autocommit=True) as connection:
        columns = [field.column for field in Run._meta.local_concrete_fields if not field.generated]
        chosen = ", ".join(VARIED.get(column, f"sample.{column}") for column in columns)
        source = "trajectories_run AS sample, generate_series(1, %(runs)s) AS n WHERE sample.id = %(sample)s"
        fill = f"INSERT INTO trajectories_run ({', '.join(columns)}) SELECT {chosen} FROM {source}"
        values = {"projects": projects, "models": MODELS, "count": PROJECTS, "runs": runs, "sample": sample.id}
        connection.execute(fill, values)
        connection.execute("VACUUM ANALYZE trajectories_run")


def measure(*, quick: bool) -> None:
    """Ask for pages."""
    from tests.factories.tenancy import make_tenant
    from trajectories.queries import run_for, runs_page

    tenant, runs = make_tenant("acme", "ada@acme.example"), QUICK_RUNS if quick else RUNS
    fill(tenant, runs)
    first = runs_page(tenant.principal, tenant.project, limit=50)
    floor = statistics.median(seconds_of(lambda: run_for(tenant.principal, first.items[0].id)))
    cursor = first.next_cursor
    for _ in range(20):
        cursor = runs_page(tenant.principal, tenant.project, cursor=cursor, limit=50).next_cursor
    asked: dict[str, Callable[[], Any]] = {
        f"first page, {query or 'no query'}": lambda query=query: runs_page(  # type: ignore[misc]
            tenant.principal, tenant.project, query=query, limit=50
        )
        for query in QUERIES
    }
    asked["a later page"] = lambda: runs_page(tenant.principal, tenant.project, cursor=cursor, limit=50)
    for what, work in asked.items():
        most = percentile(seconds_of(work), 0.95)
        shown = f"{milliseconds(most)}, ratio {most / floor:.1f}"
        against = f"one run by its id in {milliseconds(floor)}"
        figure(f"{runs:,} runs, {what}, p95", shown, against=against, limit="< 150 ms")


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("run_list", quick=found.quick)
    with servers():
        measure(quick=found.quick)


if __name__ == "__main__":
    main()
