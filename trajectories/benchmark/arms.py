"""The ways of working that a benchmark compares."""

from dataclasses import dataclass
from typing import Final

from trajectories.models.runs import Mode


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to work on a task: a run's mode, and how deep an rlm run may recurse."""

    name: str
    mode: Mode
    max_depth: int = 0

    @property
    def limits(self) -> dict[str, int]:
        """The limits of a run's budget that make the arm."""
        return {"max_depth": self.max_depth} if self.mode == Mode.RLM else {}


ARMS: Final = {
    arm.name: arm
    for arm in (Arm("direct", Mode.DIRECT), Arm("repl", Mode.REPL), Arm("rlm1", Mode.RLM, 1), Arm("rlm2", Mode.RLM, 2))
}
