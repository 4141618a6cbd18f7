"""What a level gives to the `rlm_query` calls it makes: limits where the cell names them, a fair share in any case.

While a batch is under way, the level keeps an eighth of what it has left, so that it can go on with whatever the batch
brings. Of the rest, half of an equal share is promised to each sub-call, and the other half goes to whoever asks first;
what a sub-call that has ended did not use of its share is free again. So one that is greedy cannot starve the others,
and those that need about the same are held up by nothing (docs/adr/0012-budgets-in-slices.md has the measurements).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

from rlmlab.engine.accounts import NOTHING, UNLIMITED, Account, Amount
from rlmlab.engine.types import check_limit
from sandbox.base import HostCall
from sandbox.errors import Refused

KEPT = 8  # the part of what is left that stays with the level itself
PROMISED = 2  # the part of an equal share that is promised to each sub-call
NAME = "The budget of this rlm_query"


@dataclass(frozen=True, slots=True)
class Slice:
    """The limits that a cell gives to a sub-call and all below it; None: those of the level that makes it.

    `max_steps` holds for each level, as in a run's budget.

    Raises:
        ValueError: a limit is not a number in its range; the message starts with the limit's name.
    """

    max_tokens: int | None = None
    max_cost_usd: float | None = None
    max_seconds: float | None = None
    max_steps: int | None = None
    max_sub_calls: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                check_limit(field.name, value)

    @property
    def data(self) -> dict[str, Any]:
        """What is recorded of it: the limits that were given."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {"budget": given} if given else {}

    @property
    def limits(self) -> Amount:
        """The limits that are counted in accounts."""
        given = {"tokens": self.max_tokens, "cost_usd": self.max_cost_usd, "sub_calls": self.max_sub_calls}
        return Amount(**{name: getattr(UNLIMITED, name) if value is None else value for name, value in given.items()})


WHOLE = Slice()


def read(call: HostCall, value: Any) -> Slice:
    """Read a cell's `budget` argument.

    Raises:
        Refused: as `TypeError` or `ValueError` that names the limit.
    """
    if value is None:
        return WHOLE
    if not isinstance(value, Mapping):
        raise Refused("TypeError", f"{call.name}(): budget must be a dict, not {type(value).__name__}")
    known = [field.name for field in fields(Slice)]
    for name in value:
        if name not in known:
            raise Refused("ValueError", f"{call.name}(): budget has no limit {name!r}; it has {', '.join(known)}")
    try:
        return Slice(**value)
    except ValueError as error:
        raise Refused("ValueError", f"{call.name}(): budget: {error}") from error


@contextmanager
def dealt(account: Account, slices: Sequence[Slice]) -> Iterator[list[Account]]:
    """Open an account for each sub-call of a batch, with its share, for the length of a block."""
    left = account.all_left(at_once=True) - Amount(sub_calls=len(slices))
    account.kept = _part(left, KEPT)
    share = _part(left - account.kept, PROMISED * max(1, len(slices)))
    opened = [Account(given.limits, account, NAME, share=share.at_most(given.limits)) for given in slices]
    account.below.update(opened)
    try:
        yield opened
    finally:
        account.below.difference_update(opened)
        account.kept = NOTHING


def _part(left: Amount, parts: int) -> Amount:
    """Divide what is left; of what is not limited, nothing needs to be kept or promised."""
    return Amount(
        max(0, left.tokens) // parts,
        0.0 if math.isinf(left.cost_usd) else max(0.0, left.cost_usd) / parts,
        max(0, left.sub_calls) // parts,
    )
