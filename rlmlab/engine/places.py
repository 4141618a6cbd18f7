"""Where in a run something stands: call paths."""

from dataclasses import dataclass

from sandbox.base import HostCall


def join(path: str, *parts: object) -> str:
    """Go down a call path: step / ordinal of the host call / index in the batch / the child's own path."""
    return "/".join([path, *map(str, parts)] if path else map(str, parts))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands: the path of its step, and how many host calls the step's earlier cells made."""

    step_path: str
    depth: int
    step: int
    calls_before: int

    def of(self, call: HostCall) -> str:
        """Name the place of one of the cell's host calls."""
        return join(self.step_path, self.calls_before + call.ordinal)
