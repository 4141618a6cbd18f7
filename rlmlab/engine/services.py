"""What a run offers its REPLs beside sub-calls: memory, tools. Each is a `Service` that names its functions."""

from dataclasses import dataclass
from typing import Protocol

from rlmlab.engine.spans import OpenSpan
from rlmlab.engine.types import ContextOpener, no_context
from sandbox.base import JSON, HostCall


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a call comes from: its call path, and the execution span that its own span stands in.

    `open_context` opens the input of the level that calls.
    """

    path: str
    cell: OpenSpan
    open_context: ContextOpener = no_context


class Service(Protocol):
    """Answers some of the host functions of a run's cells, of all levels."""

    @property
    def functions(self) -> tuple[str, ...]:
        """Name the functions it answers."""
        ...

    async def answer(self, call: HostCall, asked: Asked) -> JSON:
        """Answer one call, in a span of its own at `asked.path`; the answer is durable when this returns.

        Raises:
            Refused: the cell gets an exception.
            LostLease: another worker owns the run.
        """
        ...
