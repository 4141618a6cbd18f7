"""The cache of sub-calls in the database: of one organization, while a project wants it, until somebody empties it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.engine.cache import SubCallCache
from rlmlab.engine.providers.access import Access, Credential
from rlmlab.errors import NotAllowed
from rlmlab.tenancy.actions.projects import configure_project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from tests.engine.fakes.cache_contract import KEY, PAID, CacheContract
from tests.factories.runs import make_run, record, steps
from tests.factories.tenancy import Tenant
from trajectories import answers
from trajectories.actions.cache import empty_cache
from trajectories.answers import RunAnswers, find_answers, keep_answers
from trajectories.models import Run
from trajectories.queries import cached_answers

OWN = Access({"openai": Credential("sk-ada", "https://ada.example/v1")})


async def in_thread(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return await sync_to_async(work)(*args, **kwargs)


async def away(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    raise OperationalError


def cached_run(tenant: Tenant) -> Run:
    project = configure_project(by=tenant.principal, project=tenant.project, changes={"cache_sub_calls": True})
    return make_run(tenant.principal, project)


@pytest.fixture
def run(transactional_db: None, acme: Tenant) -> Run:
    return cached_run(acme)


class TestStoredAnswers(CacheContract):
    @pytest.fixture
    def cache(self, run: Run) -> RunAnswers:
        return RunAnswers(run, Access(), in_thread)

    async def settled(self, cache: SubCallCache) -> None:
        assert isinstance(cache, RunAnswers)
        await cache.close()


async def test_what_is_asked_at_the_same_time_is_one_query(run: Run) -> None:
    queries: list[Any] = []

    async def counted(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        queries.append(work)
        return await in_thread(work, *args, **kwargs)

    cache = RunAnswers(run, Access(), counted)
    for key in ("a", "b", "c"):
        cache.keep(PAID.__class__(key, "m", key, 1, 1, 0.1, str(run.id), "s"))
    await cache.close()
    found = await asyncio.gather(*(cache.find(key) for key in ("a", "b", "a", "z")))
    assert [answer and answer.answer for answer in found] == ["a", "b", "a", None]
    assert queries == [keep_answers, find_answers]


async def test_database_that_is_away_finds_and_keeps_nothing(run: Run) -> None:
    cache = RunAnswers(run, Access(), away)
    cache.keep(PAID)
    await cache.close()
    assert await cache.find(KEY) is None


async def test_fault_of_our_own_reaches_whoever_asked(run: Run) -> None:
    async def broken(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        raise KeyError("a fault")

    cache = RunAnswers(run, Access(), broken)
    with pytest.raises(KeyError):
        await cache.find(KEY)


def test_another_organization_finds_nothing(acme: Tenant, bolt: Tenant) -> None:
    keep_answers(cached_run(acme), [PAID])
    assert find_answers(cached_run(bolt), [KEY]) == {}
    assert list(find_answers(cached_run(acme), [KEY])) == [KEY]
    assert (cached_answers(acme.principal), cached_answers(bolt.principal)) == (1, 0)


def test_project_that_switches_the_cache_off_neither_reads_nor_writes(acme: Tenant) -> None:
    run = cached_run(acme)
    keep_answers(run, [PAID])
    configure_project(by=acme.principal, project=acme.project, changes={"cache_sub_calls": False})
    assert find_answers(run, [KEY]) == {}
    keep_answers(run, [PAID.__class__("b", "m", "b", 1, 1, 0.1, str(run.id), "s")])
    assert cached_answers(acme.principal) == 1


def test_run_uses_the_cache_as_its_project_had_it(acme: Tenant) -> None:
    assert make_run(acme.principal, project_by_slug(acme.principal, "demo")).use_cache is False
    assert cached_run(acme).use_cache is True


def test_answer_as_long_as_no_model_writes_is_not_kept(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LARGEST", 5)
    keep_answers(cached_run(acme), [PAID])
    assert cached_answers(acme.principal) == 0


def test_purging_a_run_removes_what_it_paid_for(acme: Tenant) -> None:
    payer, reader = cached_run(acme), cached_run(acme)
    record(payer, steps(payer))
    keep_answers(payer, [PAID])
    (found,) = find_answers(reader, [KEY]).values()
    assert (found.run_id, found.span_id) == (str(payer.id), PAID.span_id)
    with scoping.organization(acme.organization), connection.cursor() as cursor:
        cursor.execute("SELECT purge_run(%s)", [payer.id])
    assert find_answers(reader, [KEY]) == {}


@pytest.mark.parametrize(
    ("access", "model", "endpoint"),
    [
        (Access(), "openai/x", "openai https://operator.example/v1"),
        (OWN, "openai/x", "openai https://ada.example/v1"),
        (OWN, "anthropic/x", "anthropic "),
        (OWN, "local/gemma-3-270m", "local "),
    ],
)
def test_endpoint_tells_whose_address_is_called(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, access: Access, model: str, endpoint: str
) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "https://operator.example/v1")
    found = RunAnswers(make_run(acme.principal, acme.project), access, in_thread)
    assert found.endpoint(model) == endpoint


def test_cache_is_emptied_by_an_admin_and_that_is_on_record(acme: Tenant, vera: Principal) -> None:
    keep_answers(cached_run(acme), [PAID])
    with pytest.raises(NotAllowed, match=r"project\.configure"):
        empty_cache(by=vera)
    assert empty_cache(by=acme.principal) == 1
    assert cached_answers(acme.principal) == 0
    with scoping.organization(acme.organization):
        entry = AuditEntry.objects.for_org(acme.organization).get(action="cache.empty")
    assert entry.changes == {"answers": 1}
