"""Tools over the files of a run: what there is, and a part of one.

A file is known by the name that the run was given it under, and nothing else is looked up: no path is ever opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, TypedDict

from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.tools.base import Tool, tool

MOST_BYTES = 200_000  # of one read
LISTED = 1_000


@dataclass(frozen=True, slots=True)
class RunFile:
    """One file of a run's input; `media_type` is empty where it is text, `size` in bytes."""

    name: str
    size: int
    media_type: str = ""


class RunFiles(Protocol):
    """The files of one run, and of no other; whoever starts the run passes them."""

    async def listed(self) -> Sequence[RunFile]:
        """Name them, in the run's order.

        Raises:
            ToolFailed: they cannot be reached.
        """
        ...

    async def read(self, name: str, start: int, length: int) -> bytes:
        """Return bytes of a file that `listed` names, at most those that it has.

        Raises:
            ToolFailed: they cannot be reached.
        """
        ...


class NoFiles:
    """The files of a run that has none."""

    async def listed(self) -> Sequence[RunFile]:
        """Name none."""
        return ()

    async def read(self, name: str, start: int, length: int) -> bytes:  # noqa: ARG002 - the port's own
        """Have nothing to read."""
        raise ToolFailed(f"there is no file {name[:200]!r}")


class Part(TypedDict):
    """A part of a file; `start`, `end` and `size` in bytes."""

    text: str
    start: int
    end: int
    size: int


def list_tool(files: RunFiles) -> Tool:
    """Make the tool that lists a run's files."""

    async def list_files() -> list[dict[str, str | int]]:
        """List the run's files as dicts {name, size}, size in bytes; media_type where a file is no text."""
        found: list[dict[str, str | int]] = []
        for file in await files.listed():
            kind = {"media_type": file.media_type} if file.media_type else {}
            found.append({"name": file.name, "size": file.size, **kind})
        if len(found) > LISTED:
            raise ToolFailed(f"the run has {len(found):,} files, at most {LISTED:,} can be listed: use context.keys()")
        return found

    return tool(list_files, timeout_seconds=10.0)


def read_tool(files: RunFiles) -> Tool:
    """Make the tool that reads a part of one of a run's files."""

    async def read_file(
        name: Annotated[str, "As list_files gives it."],
        start: Annotated[int, "The first byte.", {"minimum": 0}] = 0,
        length: Annotated[int, "Bytes to read.", {"minimum": 1, "maximum": MOST_BYTES}] = 20_000,
    ) -> Part:
        """Read a part of one of the run's files as a dict {text, start, end, size}, in bytes.

        Go on at `end` while it is less than `size`.
        """
        found = {file.name: file for file in await files.listed()}.get(name)
        if found is None:
            raise ToolFailed(f"there is no file {name[:200]!r} in this run; list_files() names those there are")
        if found.media_type:
            raise ToolFailed(f"{name[:200]!r} is {found.media_type}, not text")
        data = await files.read(name, start, length) if start < found.size else b""
        whole = data if start + len(data) >= found.size else _whole_characters(data)
        text = whole.decode("utf-8", "replace")
        return Part(text=text, start=start, end=start + len(whole), size=found.size)

    return tool(read_file)


def _whole_characters(data: bytes) -> bytes:
    """Leave out a character of UTF-8 that is cut off at the end; the next read begins with it."""
    for back in range(1, min(4, len(data))):
        byte = data[-back]
        if byte & 0xC0 == 0xC0:  # noqa: PLR2004 - the first byte of a character
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4  # noqa: PLR2004 - RFC 3629
            return data[:-back] if needed > back else data
        if byte < 0x80:  # noqa: PLR2004 - a character by itself
            break
    return data
