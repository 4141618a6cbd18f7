"""`Idempotency-Key` under attack: at once, with other bodies, late, odd, and in other places."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.tenancy.actions.keys import create_key
from rlmlab.tenancy.actions.projects import create_project
from tests.api.conftest import ApiClient
from tests.factories.tenancy import Tenant
from trajectories.actions import idempotency
from trajectories.models import Blob, IdempotencyKey, Run

RUNS = "/api/v1/projects/demo/runs"
AT_ONCE = 8


def post(client: ApiClient, key: str, body: Any = None, path: str = RUNS) -> Any:
    return client.send(path, body or {"task": "x"}, **{"Idempotency-Key": key})


def at_once(send: Callable[[int], Any]) -> list[Any]:
    """Send from as many threads, all at the same moment."""
    barrier = Barrier(AT_ONCE)

    def go(number: int) -> Any:
        try:
            barrier.wait(10)
            return send(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(go, range(AT_ONCE)))


def rows(tenant: Tenant, model: Any, **conditions: Any) -> int:
    with scoping.organization(tenant.organization):
        return int(model.objects.for_org(tenant.organization).filter(**conditions).count())


def age(tenant: Tenant, by: timedelta) -> None:
    with scoping.organization(tenant.organization):
        IdempotencyKey.objects.for_org(tenant.organization).update(created_at=timezone.now() - by)


@pytest.mark.django_db(transaction=True)
def test_the_same_request_at_once_makes_exactly_one_run(acme: Tenant) -> None:
    answers = at_once(lambda _: post(ApiClient(acme.key), "k1", {"task": "x", "context": "a b c"}))
    assert [answer.status_code for answer in answers] == [202] * AT_ONCE
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert rows(acme, Run) == rows(acme, Blob) == rows(acme, AuditEntry, action="run.create") == 1
    assert rows(acme, IdempotencyKey) == 1


@pytest.mark.django_db(transaction=True)
def test_of_other_bodies_at_once_one_wins_and_the_rest_conflict(acme: Tenant) -> None:
    answers = at_once(lambda number: post(ApiClient(acme.key), "k1", {"task": f"Task {number}"}))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: AT_ONCE - 1}
    winner = next(answer.json() for answer in answers if answer.status_code == 202)
    assert post(ApiClient(acme.key), "k1", {"task": winner["title"]}).json()["id"] == winner["id"]
    assert rows(acme, Run) == 1


@pytest.mark.django_db(transaction=True)
def test_other_keys_at_once_do_not_wait_for_each_other_in_a_circle(acme: Tenant) -> None:
    """Each also forgets what has expired, among it the key that it renews."""
    names = [f"k{number}" for number in range(AT_ONCE)]
    old = {name: post(ApiClient(acme.key), name).json()["id"] for name in names}
    age(acme, timedelta(hours=25))
    answers = at_once(lambda number: post(ApiClient(acme.key), names[number]))
    assert [answer.status_code for answer in answers] == [202] * AT_ONCE
    assert not {answer.json()["id"] for answer in answers} & set(old.values())
    assert rows(acme, IdempotencyKey) == AT_ONCE


def test_a_body_that_says_the_same_in_other_bytes_is_another_body(as_ada: ApiClient) -> None:
    sent = [
        as_ada.post(RUNS, text, content_type="application/json", headers={"Idempotency-Key": "k1"})
        for text in ('{"task": "x"}', '{"task":"x"}')
    ]
    assert [answer.status_code for answer in sent] == [202, 409]
    assert sent[1].json()["detail"] == "This Idempotency-Key was used for a request with another body."
    assert sent[1].headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("by", "same"), [(timedelta(hours=23, minutes=59), True), (timedelta(hours=24), False)])
def test_a_key_holds_for_a_day(as_ada: ApiClient, acme: Tenant, by: timedelta, same: bool) -> None:
    first = post(as_ada, "k1").json()["id"]
    age(acme, by)
    assert (post(as_ada, "k1").json()["id"] == first) is same
    assert rows(acme, Run) == (1 if same else 2)


def test_after_a_day_another_body_may_come_under_the_key(as_ada: ApiClient, acme: Tenant) -> None:
    post(as_ada, "k1")
    age(acme, timedelta(hours=24))
    assert post(as_ada, "k1", {"task": "y"}).status_code == 202
    assert post(as_ada, "k1", {"task": "x"}).status_code == 409


def test_expired_keys_are_forgotten_little_by_little(
    as_ada: ApiClient, acme: Tenant, as_bo: ApiClient, bolt: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "FORGOTTEN_AT_ONCE", 2)
    for number in range(3):
        post(as_ada, f"old-{number}")
    post(as_bo, "old")
    age(acme, timedelta(hours=25))
    age(bolt, timedelta(hours=25))
    assert [post(as_ada, f"new-{number}").status_code for number in range(2)] == [202, 202]
    with scoping.organization(acme.organization):
        assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"new-0", "new-1"}
    assert rows(acme, Run) == 5
    assert rows(bolt, IdempotencyKey) == 1


@pytest.mark.parametrize("key", ["x" * 256, "x" * 100_000, " ", "", "a\x7fb", "a\u00a0b"])
def test_an_odd_key_is_named_and_makes_nothing(as_ada: ApiClient, acme: Tenant, key: str) -> None:
    answer = post(as_ada, key)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]
    assert rows(acme, Run) == 0


@pytest.mark.parametrize("key", ["x" * 255, "a b", "' OR 1=1 --", "é", "%s", "{}"])
def test_an_unusual_key_is_a_key(as_ada: ApiClient, acme: Tenant, key: str) -> None:
    assert post(as_ada, key).json()["id"] == post(as_ada, key).json()["id"]
    assert rows(acme, Run) == 1


def test_a_key_counts_in_each_project_by_itself(as_ada: ApiClient, acme: Tenant) -> None:
    create_project(by=acme.principal, slug="other")
    here, there = post(as_ada, "k1"), post(as_ada, "k1", {"task": "y"}, "/api/v1/projects/other/runs")
    assert (here.status_code, there.status_code) == (202, 202)
    assert here.json()["id"] != there.json()["id"]
    assert (here.json()["project"], there.json()["project"]) == ("demo", "other")


def test_a_key_counts_for_each_sender_by_itself(as_ada: ApiClient, as_bo: ApiClient, acme: Tenant) -> None:
    colleague = ApiClient(create_key(by=acme.principal, label="colleague").raw)
    ids = {post(client, "k1").json()["id"] for client in (as_ada, colleague, as_bo)}
    assert len(ids) == 3


def test_a_refused_request_uses_up_no_key(as_ada: ApiClient, as_vera: ApiClient, acme: Tenant) -> None:
    assert post(as_ada, "k1", {"task": ""}).status_code == 422
    assert post(as_vera, "k1").status_code == 403
    assert rows(acme, IdempotencyKey) == 0
    assert post(as_ada, "k1").status_code == 202


def test_the_answer_shows_the_run_as_it_is_now(as_ada: ApiClient) -> None:
    first = post(as_ada, "k1").json()
    as_ada.post(f"/api/v1/runs/{first['id']}/cancel")
    again = post(as_ada, "k1").json()
    assert (again["id"], first["status"], again["status"]) == (first["id"], "queued", "cancelled")
