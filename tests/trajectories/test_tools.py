"""The tools of runs: which may be asked for, and what they reach of one run and of no other."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import OperationalError

from rlmlab import scoping
from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.tools.files import RunFile
from rlmlab.engine.tools.registry import MAKERS
from rlmlab.errors import Invalid
from rlmlab.tenancy.actions.projects import configure_project
from tests.engine.fakes.files_contract import LARGE, FilesContract
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from trajectories import contexts
from trajectories.actions.files import store_file
from trajectories.models import Run, RunInput
from trajectories.tools import StoredFiles, clean_tools, offers, tools_of

NAMES = ["list_files", "read_file", "grep", "slice_context", "http_fetch"]


async def in_thread(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return await sync_to_async(work)(*args, **kwargs)


async def away(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    raise OperationalError


def run_with(tenant: Tenant, context: Any = None, **contents: bytes) -> Run:
    stored = [
        store_file(by=tenant.principal, project=tenant.project, name=name.replace("_", "."), chunks=[data])
        for name, data in contents.items()
    ]
    return make_run(
        tenant.principal, tenant.project, context=context, files=[file.id for file in stored], tools=["read_file"]
    )


def inputs_of(run: Run) -> list[RunInput]:
    with scoping.organization(run.organization_id):
        return contexts.inputs_of(run)


class TestStoredFiles(FilesContract):
    @pytest.fixture
    def files(self, transactional_db: None, acme: Tenant) -> StoredFiles:
        return StoredFiles(inputs_of(run_with(acme, a_txt=b"hello", large_bin=LARGE)), in_thread)


@pytest.mark.django_db(transaction=True)
async def test_context_beside_files_is_a_file_too_and_alone_it_is_none(acme: Tenant) -> None:
    both = await sync_to_async(run_with)(acme, "in words", a_txt=b"hello")
    files = StoredFiles(await sync_to_async(inputs_of)(both), in_thread)
    assert await files.listed() == [RunFile("context", 8), RunFile("a.txt", 5)]
    assert await files.read("context", 3, 5) == b"words"
    alone = await sync_to_async(run_with)(acme, "in words")
    assert await StoredFiles(await sync_to_async(inputs_of)(alone), in_thread).listed() == []


@pytest.mark.django_db(transaction=True)
async def test_other_runs_and_organizations_files_are_not_there(acme: Tenant, bolt: Tenant) -> None:
    await sync_to_async(run_with)(bolt, b_txt=b"secret of Bolt")
    await sync_to_async(run_with)(acme, c_txt=b"of another run")
    run = await sync_to_async(run_with)(acme, a_txt=b"hello")
    files = StoredFiles(await sync_to_async(inputs_of)(run), in_thread)
    assert [file.name for file in await files.listed()] == ["a.txt"]
    for name in ("b.txt", "c.txt", "../b.txt", str(run.id), ""):
        with pytest.raises(ToolFailed, match="there is no file"):
            await files.read(name, 0, 10)


@pytest.mark.django_db(transaction=True)
async def test_database_that_is_away_is_an_error_of_the_tool(acme: Tenant) -> None:
    run = await sync_to_async(run_with)(acme, a_txt=b"hello")
    with pytest.raises(ToolFailed, match="cannot be reached at the moment"):
        await StoredFiles(await sync_to_async(inputs_of)(run), away).read("a.txt", 0, 1)


@pytest.mark.django_db
def test_run_keeps_each_of_its_tools_once_in_order(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project, tools=["read_file", "grep", "read_file"])
    assert reload(run).tools == ["read_file", "grep"]
    assert [tool.name for tool in tools_of(reload(run), (), in_thread)] == ["read_file", "grep"]
    assert reload(make_run(acme.principal, acme.project)).tools == []


@pytest.mark.django_db
def test_wrong_tools_are_all_named_and_what_there_is(acme: Tenant) -> None:
    with pytest.raises(Invalid) as caught:
        make_run(acme.principal, acme.project, tools=["grep", "rm_rf", "http_fetch", "x" * 500])
    assert [error.field for error in caught.value.errors] == ["tools.1", "tools.2", "tools.3"]
    assert caught.value.errors[0].message == f"there is no tool 'rm_rf'; there are {', '.join(NAMES)}"
    assert "this project allows no hosts" in caught.value.errors[1].message
    assert len(caught.value.errors[2].message) < 200


@pytest.mark.django_db
def test_direct_run_has_no_tools(acme: Tenant) -> None:
    with pytest.raises(Invalid, match="tools: a direct run has no REPL"):
        make_run(acme.principal, acme.project, mode="direct", tools=["grep"])


@pytest.mark.django_db
def test_fetching_is_off_until_the_project_allows_hosts(acme: Tenant) -> None:
    assert [offer.tool.name for offer in offers(acme.project)] == NAMES == list(MAKERS)
    assert [bool(offer.why_not) for offer in offers(acme.project)] == [False] * 4 + [True]
    allowed = configure_project(
        by=acme.principal, project=acme.project, changes={"allowed_hosts": ["Lab.example.", "lab.example"]}
    )
    assert allowed.allowed_hosts == ["lab.example"]
    assert clean_tools(["http_fetch"], allowed) == ("http_fetch",)
    assert not any(offer.why_not for offer in offers(allowed))
    run = make_run(acme.principal, allowed, tools=["http_fetch"])
    configure_project(by=acme.principal, project=allowed, changes={"allowed_hosts": []})
    (fetch,) = tools_of(reload(run), (), in_thread)
    with pytest.raises(ToolFailed, match=r"'lab\.example' is not a host that this project allows"):
        async_to_sync(fetch.function)("http://lab.example/")
