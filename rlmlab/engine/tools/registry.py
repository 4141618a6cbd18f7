"""Which tools there are, by name, and what each needs of the run that has it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rlmlab.engine.tools.base import Tool
from rlmlab.engine.tools.fetching import Fetcher, fetch_tool
from rlmlab.engine.tools.files import NoFiles, RunFiles, list_tool, read_tool
from rlmlab.engine.tools.searching import grep_tool, slice_tool

FETCH = "http_fetch"


@dataclass(frozen=True, slots=True)
class Means:
    """What a run gives its tools: its files, and the hosts that its project allows."""

    files: RunFiles = field(default_factory=NoFiles)
    allowed_hosts: Sequence[str] = ()


MAKERS: Mapping[str, Callable[[Means], Tool]] = {
    "list_files": lambda means: list_tool(means.files),
    "read_file": lambda means: read_tool(means.files),
    "grep": lambda _: grep_tool(),
    "slice_context": lambda _: slice_tool(),
    FETCH: lambda means: fetch_tool(Fetcher(tuple(means.allowed_hosts))),
}


def tools_named(names: Sequence[str], means: Means) -> tuple[Tool, ...]:
    """Make a run's tools; a name that is not known here any more is left out."""
    return tuple(MAKERS[name](means) for name in names if name in MAKERS)


def catalog() -> tuple[Tool, ...]:
    """Describe every tool there is."""
    return tools_named(tuple(MAKERS), Means())
