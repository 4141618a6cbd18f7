"""The input: every kind, handed over once by descriptor."""

import errno
import json
import os

import pytest

from sandbox.base import ContextPart, Environment, Session, SessionSpec, context_in_memory
from sandbox.errors import SandboxError
from tests.sandbox.conftest import OpenSession
from tests.sandbox.driver import SHORT, SMALL, run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_text(open_session: OpenSession) -> None:
    text = "héllo 😀 \x00 \ud800"
    session = await open_session(context=context_in_memory("text", [text.encode("utf-8", "surrogatepass")]))
    assert (await run(session, "context, type(context)")).value == repr((text, str))


async def test_json(open_session: OpenSession) -> None:
    value = {"a": [1, 2.5, None, True], "é": {"b": "c"}}
    session = await open_session(context=context_in_memory("json", [json.dumps(value).encode()]))
    assert (await run(session, "context")).value == repr(value)


async def test_files(open_session: OpenSession) -> None:
    first, second = "größe".encode(), b"\xffraw"
    parts = (ContextPart("a.txt", 0, len(first)), ContextPart("b.bin", len(first), len(second)), ContextPart("c", 0, 0))
    session = await open_session(context=context_in_memory("files", [first, second], parts))
    assert (await run(session, "context")).value == repr({"a.txt": "größe", "b.bin": "\udcffraw", "c": ""})


@pytest.mark.parametrize(("kind", "shown"), [("text", "''"), ("files", "{}")])
async def test_empty(open_session: OpenSession, kind: str, shown: str) -> None:
    session = await open_session(context=context_in_memory(kind, []))  # type: ignore[arg-type]
    assert (await run(session, "context")).value == shown


async def test_without_input_context_is_none(session: Session) -> None:
    assert (await run(session, "context is None")).value == "True"


async def test_host_descriptor_is_closed(open_session: OpenSession) -> None:
    source = context_in_memory("text", [b"x"])
    await open_session(context=source)
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        os.fstat(source.fd)
    assert caught.value.errno == errno.EBADF


async def test_context_larger_than_the_cell_limit_is_fine(open_session: OpenSession) -> None:
    session = await open_session(profile=SHORT, context=context_in_memory("text", [b"x" * (120 << 20)]))
    assert (await run(session, "len(context), context[-1]")).value == f"({120 << 20}, 'x')"
    assert (await run(session, "len('y' * 50_000_000)")).value == "50000000"


async def test_json_that_does_not_fit_is_refused(environment: Environment) -> None:
    bomb = context_in_memory("json", [b"[" + b"[]," * 3_000_000 + b"[]]"])
    with pytest.raises(SandboxError, match=r"^the context cannot be loaded: MemoryError"):
        await environment.open(SessionSpec(profile=SHORT, context=bomb))


@pytest.mark.parametrize("body", [b"{", b"", b"[" * 100_000, b"\xff"])
async def test_json_that_is_none_is_refused(environment: Environment, body: bytes) -> None:
    with pytest.raises(SandboxError, match="the context cannot be loaded"):
        await environment.open(SessionSpec(profile=SMALL, context=context_in_memory("json", [body])))
