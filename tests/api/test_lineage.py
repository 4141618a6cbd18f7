"""The list of what came from a run."""

import pytest

from tests.api.conftest import ApiClient
from tests.factories.runs import finished_run, reload
from tests.factories.tenancy import Tenant
from trajectories.actions.forks import Changes, fork_run

pytestmark = pytest.mark.django_db


def test_descendants_are_paged(as_ada: ApiClient, acme: Tenant) -> None:
    run = reload(finished_run(acme.principal, acme.project))
    made = [fork_run(by=acme.principal, run=run, at_seq=0, changes=Changes(title=name)).id for name in "ab"]
    first = as_ada.get(f"/api/v1/runs/{run.id}/descendants?limit=1").json()
    assert [item["id"] for item in first["items"]] == [str(made[1])]
    assert first["items"][0]["origin"] == {"kind": "fork", "run_id": str(run.id), "at_seq": 0}
    rest = as_ada.get(f"/api/v1/runs/{run.id}/descendants?cursor={first['next_cursor']}").json()
    assert ([item["title"] for item in rest["items"]], rest["next_cursor"]) == (["a"], None)


def test_run_without_descendants_has_an_empty_list(as_ada: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    assert as_ada.get(f"/api/v1/runs/{run.id}/descendants").json() == {"items": [], "next_cursor": None}
