"""The tools of runs: which may be asked for, and what they reach of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rlmlab import scoping
from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.tools.base import Tool
from rlmlab.engine.tools.files import RunFile
from rlmlab.engine.tools.registry import FETCH, MAKERS, Means, catalog, tools_named
from rlmlab.errors import FieldError, Invalid
from rlmlab.scoping.pages import Page
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories import blobs
from trajectories.database import AWAY, Database
from trajectories.models import Blob, Run, RunInput

NO_HOSTS: Final = "this project allows no hosts; a project's owner can name some in its settings"


def clean_tools(names: Sequence[str], project: Project) -> tuple[str, ...]:
    """Return each tool once.

    Raises:
        Invalid: there is none of a name, or the project does not allow it; each is named as `tools.N`.
    """
    errors: list[FieldError] = []
    for at, name in enumerate(names):
        if name not in MAKERS:
            message = f"there is no tool {name[:60]!r}; there are {', '.join(MAKERS)}"
            errors.append(FieldError(f"tools.{at}", message))
        elif name == FETCH and not project.allowed_hosts:
            errors.append(FieldError(f"tools.{at}", NO_HOSTS))
    if errors:
        raise Invalid("; ".join(f"{error.field}: {error.message}" for error in errors), errors=tuple(errors))
    return tuple(dict.fromkeys(names))


def tools_page(by: Principal, *, cursor: str, limit: int) -> Page[Tool]:
    """Return up to `limit` of the tools there are, for those who may see projects; a cursor is a tool's name.

    Raises:
        Invalid: the cursor names no tool.
    """
    by.require("project.view")
    tools = catalog()
    names = [tool.name for tool in tools]
    if cursor and cursor not in names:
        raise Invalid.field("cursor", "is not one that a page of tools gave")
    start = names.index(cursor) + 1 if cursor else 0
    shown = tools[start : start + limit]
    return Page(shown, shown[-1].name if start + limit < len(tools) else "")


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as a project offers it; `why_not` says what must be done first."""

    tool: Tool
    why_not: str = ""


def offers(project: Project) -> list[Offer]:
    """Return every tool, with what stands in its way in a project."""
    off = {} if project.allowed_hosts else {FETCH: NO_HOSTS}
    return [Offer(tool, off.get(tool.name, "")) for tool in catalog()]


class StoredFiles:
    """The named inputs of one run; nothing that a cell passes can name another's."""

    def __init__(self, inputs: Sequence[RunInput], database: Database) -> None:
        self._inputs = {entry.name: entry for entry in inputs if entry.name}
        self._database = database

    async def listed(self) -> Sequence[RunFile]:
        """Name them, in the run's order."""
        return [RunFile(entry.name, entry.blob.size, entry.media_type) for entry in self._inputs.values()]

    async def read(self, name: str, start: int, length: int) -> bytes:
        """Return a part of one.

        Raises:
            ToolFailed: there is none of this name, or the database cannot be reached.
        """
        if name not in self._inputs:
            raise ToolFailed(f"there is no file {name[:200]!r}")
        try:
            return await self._database(_read, self._inputs[name].blob, start, length)
        except AWAY as error:
            raise ToolFailed("the files cannot be reached at the moment") from error


def _read(blob: Blob, start: int, length: int) -> bytes:
    with scoping.organization(blob.organization_id):
        return blobs.part(blob, start, length)


def tools_of(run: Run, inputs: Sequence[RunInput], database: Database) -> tuple[Tool, ...]:
    """Make a run's tools; hosts that the project allows no more are not reached any more."""
    return tools_named(run.tools, Means(StoredFiles(inputs, database), tuple(run.project.allowed_hosts)))
