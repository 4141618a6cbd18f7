"""The cache of sub-calls over REST: switched per project, told on each run, emptied."""

from rlmlab.tenancy.queries import project_by_slug
from tests.api.conftest import ApiClient
from tests.engine.fakes.cache_contract import PAID
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from trajectories.answers import keep_answers

EMPTY = "/api/v1/cached-answers"


def test_project_switches_its_cache(as_ada: ApiClient) -> None:
    path = "/api/v1/projects/demo"
    assert as_ada.get(path).json()["cache_sub_calls"] is False
    answer = as_ada.patch(path, {"cache_sub_calls": True}, content_type="application/json")
    assert (answer.status_code, answer.json()["cache_sub_calls"]) == (200, True)
    run = as_ada.send(f"{path}/runs", {"task": "Count.", "model": "local/gemma-3-270m"}).json()
    assert run["cache"] == {"on": True, "sub_calls": 0, "saved_usd": 0.0}


def test_cache_is_emptied_for_the_callers_organization_alone(
    as_ada: ApiClient, as_bo: ApiClient, as_vera: ApiClient, acme: Tenant
) -> None:
    as_ada.patch("/api/v1/projects/demo", {"cache_sub_calls": True}, content_type="application/json")
    keep_answers(make_run(acme.principal, project_by_slug(acme.principal, "demo")), [PAID])
    assert as_bo.delete(EMPTY).json() == {"removed": 0}
    assert as_vera.delete(EMPTY).status_code == 403
    assert as_ada.delete(EMPTY).json() == {"removed": 1}
