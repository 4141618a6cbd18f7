"""What is told about PostgreSQL, Valkey or Redis, and workers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from rlmlab.management.doctor import servers
from rlmlab.management.doctor.findings import Finding


def finding(findings: Sequence[Finding], name: str) -> Finding:
    return next(found for found in findings if found.name == name)


@pytest.mark.django_db
def test_the_database_of_the_tests_is_whole() -> None:
    found = servers.look_at_database()
    assert [each.name for each in found] == [
        "PostgreSQL", "schema", "two roles", "row-level security", "owner's connection",
    ]  # fmt: skip
    assert {each.state for each in found} == {"ok"}
    assert finding(found, "two roles").detail == "rlmlab_app for the application, rlmlab_owner owns the tables"


@pytest.mark.parametrize(
    ("bypasses", "tables", "problem"),
    [
        (False, (9, 9, 0), ""),
        (True, (9, 9, 0), "the application's role bypasses it"),
        (False, (9, 9, 9), "the application's role bypasses it"),
        (False, (9, 7, 0), "only on 7 of 9 tables"),
    ],
)
def test_security_that_does_not_bind_prevents_runs(bypasses: bool, tables: Sequence[int], problem: str) -> None:
    found = servers.security(bypasses, tables)
    assert found.prevents_runs == bool(problem)
    assert found.detail == (problem or "forced on all 9 tables of organizations")


def test_a_schema_behind_the_code_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers.readiness, "migrations", lambda: "2 not applied")
    assert servers.schema() == Finding("schema", "missing", "migrations: 2 not applied", "`manage.py migrate`", True)


def test_one_role_for_both_uses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    database = settings.DATABASES["default"]
    monkeypatch.setattr(settings, "DATABASES", {"default": database, "owner": database})
    assert servers.roles().prevents_runs


def test_an_owner_who_cannot_connect_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    databases = settings.DATABASES | {"owner": settings.DATABASES["owner"] | {"HOST": str(tmp_path)}}
    monkeypatch.setattr(settings, "DATABASES", databases)
    assert (servers.owner().state, servers.owner().detail) == ("warn", "No such file or directory")


def test_the_broker_of_the_tests_is_as_it_should_be(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("servers")

    found = servers.look_at_broker()
    assert [(each.name, each.state) for each in found] == [
        ("Valkey or Redis", "ok"), ("memory policy", "ok"), ("append-only file", "ok"), ("worker", "missing"),
    ]  # fmt: skip
    assert found[0].detail.startswith("Valkey 9")
    assert found[3].detail == "none answers"


def test_a_broker_that_answers_nothing_is_given_up(silent_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LIVE_URL", silent_server)
    monkeypatch.setattr(servers, "SECONDS", 0.2)
    found = servers.look_at_broker()
    assert [(each.name, each.state) for each in found] == [("Valkey or Redis", "missing"), ("worker", "missing")]
    assert found[0].detail.startswith("Timeout")


@pytest.mark.parametrize(
    ("info", "state", "detail"),
    [
        ({"valkey_version": "9.1.2", "redis_version": "7.2.4"}, "ok", "Valkey 9.1.2"),
        ({"redis_version": "7.4.0"}, "ok", "Redis 7.4.0"),
        ({"redis_version": "5.0.7"}, "missing", "Redis 5.0.7 is too old"),
    ],
)
def test_the_brokers_version_is_judged(info: dict[str, Any], state: str, detail: str) -> None:
    assert (servers.broker(info).state, servers.broker(info).detail) == (state, detail)


def test_a_broker_that_may_forget_is_a_warning() -> None:
    assert servers.eviction({"maxmemory_policy": "allkeys-lru"}).state == "warn"
    assert servers.eviction({}).detail.startswith("unknown")
    assert servers.append_only({"aof_enabled": 0}).state == "warn"
    assert servers.append_only({"aof_enabled": 1}) == Finding("append-only file", "ok", "on")


@pytest.mark.parametrize(
    ("answers", "state", "asked"),
    [(["ok"], "ok", 1), (["none answers", "none answers", "ok"], "ok", 3), (["none answers"] * 3, "missing", 3)],
)
def test_a_busy_worker_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, answers: list[str], state: str, asked: int
) -> None:
    given = iter(answers)
    heard: list[str] = []
    monkeypatch.setattr(servers.readiness, "worker", lambda: heard.append(next(given)) or heard[-1])
    assert servers.worker().state == state
    assert len(heard) == asked
