"""The input as the guest decodes it."""

from pathlib import Path

import pytest

from sandbox.base import context_in_memory
from sandbox.guest.context import ContextLoader


def loader(kind: str, body: bytes, parts: list[list[object]] | None = None) -> ContextLoader:
    source = context_in_memory(kind, [body])  # type: ignore[arg-type]
    return ContextLoader({"kind": kind, "size": source.size, "parts": parts or []}, [source.fd])


def test_without_input_there_is_none() -> None:
    assert ContextLoader(None, []).load() is None


@pytest.mark.parametrize(
    ("kind", "body", "parts", "value"),
    [
        ("text", "é\ud800".encode("utf-8", "surrogatepass"), None, "é\ud800"),
        ("text", b"", None, ""),
        ("json", b'{"a": [1, null]}', None, {"a": [1, None]}),
        ("files", b"ab\xff", [["x", 0, 2], ["y", 2, 1]], {"x": "ab", "y": "\udcff"}),
    ],
)
def test_kinds(kind: str, body: bytes, parts: list[list[object]] | None, value: object) -> None:
    assert loader(kind, body, parts).load() == value


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_descriptor_is_closed_before_anything_is_decoded() -> None:
    before = open_descriptors()
    held = loader("text", b"abc")
    assert open_descriptors() == before + 1  # the mapping's own duplicate
    assert held.load() == "abc"
    assert open_descriptors() == before
