"""What is put in as context is what the REPL gets, byte for byte."""

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlmlab import scoping
from rlmlab.errors import Invalid
from sandbox.base import ContextSource
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from trajectories import contexts
from trajectories.actions.files import store_file
from trajectories.models import File, Run


def stored(tenant: Tenant, name: str, *chunks: bytes) -> File:
    return store_file(by=tenant.principal, project=tenant.project, name=name, chunks=chunks)


def opened(run: Run) -> tuple[ContextSource | None, bytes]:
    """Open a run's input as a worker does and read it all."""
    with scoping.organization(run.organization_id):
        source = contexts.open_source(run, contexts.inputs_of(run))
    if source is None:
        return None, b""
    with os.fdopen(source.fd, "rb") as file:
        return source, file.read()


def test_text_is_a_string(acme: Tenant) -> None:
    text = "grüß \ud800 \x00 " + "x" * (1 << 20) + "𝄞"
    run = make_run(acme.principal, acme.project, context=text)
    source, data = opened(run)
    assert source is not None
    assert source.kind == "text"
    assert data.decode("utf-8", "surrogatepass") == text
    assert run.context_size == source.size == len(data)


@pytest.mark.parametrize(
    "value", [[], {}, [1, "two", None, 3.5, True], {"a": [1], "ü": "\ud800"}, ["x" * 100] * 50, [float("inf")]]
)
def test_json_is_what_it_was(acme: Tenant, value: Any) -> None:
    run = make_run(acme.principal, acme.project, context=value)
    source, data = opened(run)
    assert source is not None
    assert source.kind == "json"
    assert json.loads(data) == value


def test_files_are_named_parts(acme: Tenant) -> None:
    first, second = stored(acme, "a.txt", b"one", b"\xff\x00"), stored(acme, "b.txt", b"")
    run = make_run(acme.principal, acme.project, files=[second.id, first.id])
    source, data = opened(run)
    assert source is not None
    assert source.kind == "files"
    assert [(part.name, part.offset, part.length) for part in source.parts] == [("b.txt", 0, 0), ("a.txt", 0, 5)]
    assert data == b"one\xff\x00"


def test_text_stands_beside_the_files(acme: Tenant) -> None:
    file = stored(acme, "a.txt", b"one")
    source, data = opened(make_run(acme.principal, acme.project, context="ask", files=[file.id]))
    assert source is not None
    assert source.kind == "files"
    assert [(part.name, data[part.offset :][: part.length]) for part in source.parts] == [
        ("context", b"ask"),
        ("a.txt", b"one"),
    ]


@pytest.mark.parametrize("context", [{"q": [1, 2]}, ["x"], "lone \udcff"])
def test_what_files_cannot_hold_beside_them_becomes_json(acme: Tenant, context: Any) -> None:
    file = stored(acme, "ü.bin", b'"quoted"\n\xff', "é".encode() * (1 << 20))
    source, data = opened(make_run(acme.principal, acme.project, context=context, files=[file.id]))
    assert source is not None
    assert source.kind == "json"
    assert json.loads(data) == {"context": context, "ü.bin": '"quoted"\n\udcff' + "é" * (1 << 20)}


def test_run_without_input_opens_nothing(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    assert opened(run) == (None, b"")
    assert contexts.info(run, []) is None


def test_empty_text_is_an_input(acme: Tenant) -> None:
    source, data = opened(make_run(acme.principal, acme.project, context=""))
    assert source is not None
    assert (source.kind, data) == ("text", b"")


def test_the_model_is_told_of_the_parts(acme: Tenant) -> None:
    file = stored(acme, "a.txt", b"one")
    run = make_run(acme.principal, acme.project, context="ask", files=[file.id])
    with scoping.organization(acme.organization):
        info = contexts.info(run, contexts.inputs_of(run))
    assert info is not None
    assert (info.kind, info.size) == ("files", 6)
    assert [(part.name, part.size) for part in info.parts] == [("context", 3), ("a.txt", 3)]


def test_files_must_be_the_projects_and_have_different_names(acme: Tenant, bolt: Tenant) -> None:
    mine, again, theirs = stored(acme, "a", b"1"), stored(acme, "a", b"2"), stored(bolt, "b", b"3")
    taken = stored(acme, "context", b"4")
    for files, field in (([theirs.id], "files.0"), ([mine.id, again.id], "files.1"), ([mine.id, mine.id], "files.1")):
        with pytest.raises(Invalid) as caught:
            make_run(acme.principal, acme.project, files=files)
        assert [error.field for error in caught.value.errors] == [field]
    with pytest.raises(Invalid, match="twice"):
        make_run(acme.principal, acme.project, context="x", files=[taken.id])
    with scoping.organization(acme.organization):
        assert Run.objects.for_org(acme.organization).count() == 0


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=50))
def test_pieces_of_text_join_to_the_text(text: str) -> None:
    assert b"".join(contexts.text_pieces(text)).decode("utf-8", "surrogatepass") == text


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_pieces_of_json_join_to_the_document(value: Any) -> None:
    document = [value, {"key": value}]
    assert json.loads(b"".join(contexts.json_pieces(document))) == document
