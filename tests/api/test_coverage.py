"""What was read of an input, over REST."""

from tests.api.conftest import ApiClient
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant


def test_coverage_of_a_text_is_told(as_ada: ApiClient, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project, task="Count all.", context="x" * 100)
    answer = as_ada.get(f"/api/v1/runs/{run.id}/coverage").json()
    warning = answer.pop("warning")
    assert answer == {
        "known": True,
        "size": 100,
        "parts": [{"name": "", "start": 0}],
        "read": [],
        "read_bytes": 0,
        "spans": [],
        "complete": True,
    }
    assert "100% of it was found in no prompt" in warning


def test_coverage_of_no_input_is_not_known(as_ada: ApiClient, as_bo: ApiClient, acme: Tenant) -> None:
    path = f"/api/v1/runs/{make_run(acme.principal, acme.project).id}/coverage"
    assert as_ada.get(path).json()["known"] is False
    assert as_bo.get(path).status_code == 404
