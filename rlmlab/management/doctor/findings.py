"""What a look at one thing found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["ok", "warn", "missing", "none"]
"""`warn`: works, but not as well as it could. `none`: not there, and not needed for runs."""

SECONDS: Final = 4.0
"""How long a server or program may take to answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`detail` says what there is, `remedy` in a line how to get what there is not.

    Where `needed` is set and something is missing, no run can be executed.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""
    needed: bool = False

    @property
    def prevents_runs(self) -> bool:
        """Tell whether no run can be executed for this."""
        return self.needed and self.state == "missing"


@dataclass(frozen=True, slots=True)
class Area:
    """Things that are looked at one after another; `name` is a heading."""

    name: str
    look: Callable[[], Sequence[Finding]]


def graded(
    name: str, problem: str, *, detail: str, remedy: str, worst: State = "missing", needed: bool = False
) -> Finding:
    """Return `ok` with the detail where there is no problem, else the problem with its remedy."""
    if problem:
        return Finding(name, worst, problem, remedy, needed)
    return Finding(name, "ok", detail, needed=needed)
