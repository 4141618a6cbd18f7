"""Where runs come from, and what came from them."""

import pytest

from rlmlab.errors import Conflict
from rlmlab.scoping.pages import Page
from tests.factories.runs import finished_run, make_run, reload
from tests.factories.tenancy import Tenant
from trajectories.actions.forks import Changes, fork_run, retry_run
from trajectories.actions.runs import cancel_run
from trajectories.lineage import descendants_page, lineage_of
from trajectories.models import Run
from trajectories.queries import runs_page

pytestmark = pytest.mark.django_db


def fork(acme: Tenant, run: Run, at_seq: int, title: str) -> Run:
    return fork_run(by=acme.principal, run=run, at_seq=at_seq, changes=Changes(title=title))


def stopped(acme: Tenant, title: str) -> Run:
    return cancel_run(by=acme.principal, run=make_run(acme.principal, acme.project, title=title))


def titles(page: Page[Run]) -> list[str]:
    return [run.title for run in page.items]


def test_fork_names_its_origin_and_the_step_at_which_it_left(acme: Tenant) -> None:
    run = reload(finished_run(acme.principal, acme.project, 2, title="First"))
    whole, none = fork(acme, run, run.last_seq, "whole"), fork(acme, run, 0, "none")
    found = lineage_of(acme.principal, whole)
    assert (found.origin and found.origin.title, found.step, found.summary, found.newest) == ("First", 2, "", [])
    assert lineage_of(acme.principal, none).step == 0
    origin = lineage_of(acme.principal, run)
    assert (origin.origin, origin.summary) == (None, "2 forks")
    assert [child.title for child in origin.newest] == ["none", "whole"]


def test_kinds_are_counted_apart(acme: Tenant) -> None:
    run = stopped(acme, "Spent")
    fork(acme, run, 0, "one")
    for _ in range(2):
        retry_run(by=acme.principal, run=run)
    assert lineage_of(acme.principal, run).summary == "1 fork, 2 retries"


def test_descendants_are_listed_newest_first_in_pages(acme: Tenant, bolt: Tenant) -> None:
    run = reload(finished_run(acme.principal, acme.project, title="First"))
    for title in "abc":
        fork(acme, run, 0, title)
    finished_run(acme.principal, acme.project, title="unrelated")
    page = descendants_page(acme.principal, run, limit=2)
    assert titles(page) == ["c", "b"]
    rest = descendants_page(acme.principal, run, cursor=page.next_cursor)
    assert (titles(rest), rest.next_cursor) == (["a"], "")
    assert titles(descendants_page(bolt.principal, run)) == []


def test_search_finds_what_came_from_a_run(acme: Tenant) -> None:
    run = stopped(acme, "First")
    fork(acme, run, 0, "forked")
    retry_run(by=acme.principal, run=run, changes=Changes(title="retried"))

    def found(query: str) -> list[str]:
        return titles(runs_page(acme.principal, acme.project, query=query))

    assert found(f"origin:{run.id}") == ["retried", "forked"]
    assert (found("is:fork"), found("is:retry"), found("is:continued")) == (["forked"], ["retried"], [])
    assert found("is:fork,disputed") == ["forked"]
    assert found("-is:fork,retry") == ["First"]


def test_run_that_succeeded_is_not_retried(acme: Tenant) -> None:
    run = reload(finished_run(acme.principal, acme.project))
    with pytest.raises(Conflict, match="Only a run that failed or was stopped"):
        retry_run(by=acme.principal, run=run)
    assert lineage_of(acme.principal, run).summary == ""
