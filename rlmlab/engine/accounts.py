"""What a run, or one `rlm_query` of it, may spend: limits inside limits.

An account knows what was spent and what is reserved in it and in all accounts below. A call must fit into every account
from the run's own down to that of the level that makes it. While the sub-calls of a batch are under way, each has a
*share* that the others cannot take, and the account above *keeps* a part for itself (`rlmlab.engine.slices`).
"""

import asyncio
import math
from dataclasses import dataclass, field

from rlmlab.engine.errors import BudgetExhausted


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens, money and sub-calls: a limit, or what was spent, reserved, held or promised."""

    tokens: float = 0
    cost_usd: float = 0.0
    sub_calls: float = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens + other.tokens, self.cost_usd + other.cost_usd, self.sub_calls + other.sub_calls)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens - other.tokens, self.cost_usd - other.cost_usd, self.sub_calls - other.sub_calls)

    def at_least(self, other: "Amount") -> "Amount":
        """Take the greater of each kind."""
        return Amount(
            max(self.tokens, other.tokens), max(self.cost_usd, other.cost_usd), max(self.sub_calls, other.sub_calls)
        )

    def at_most(self, other: "Amount") -> "Amount":
        """Take the lesser of each kind."""
        return Amount(
            min(self.tokens, other.tokens), min(self.cost_usd, other.cost_usd), min(self.sub_calls, other.sub_calls)
        )


NOTHING = Amount()
UNLIMITED = Amount(math.inf, math.inf, math.inf)


@dataclass(eq=False, slots=True)
class Account:
    """One account; `name` is what a refusal calls it.

    `held` is kept back for its own last call, `share` is what the others of its batch cannot take, `kept` what those
    below cannot. `exhausted` names the limit that ended it; `exhaustion` is set from then on.
    """

    limits: Amount
    parent: "Account | None" = None
    name: str = "The run's budget"
    share: Amount = NOTHING
    kept: Amount = NOTHING
    spent: Amount = NOTHING
    reserved: Amount = NOTHING
    held: Amount = NOTHING
    below: "set[Account]" = field(default_factory=set)
    exhausted: str | None = None
    exhaustion: asyncio.Event = field(default_factory=asyncio.Event)
    chain: "tuple[Account, ...]" = ()

    def __post_init__(self) -> None:
        self.chain = (self,) if self.parent is None else (*self.parent.chain, self)

    def left(self, via: "Account | None", *, at_once: bool) -> Amount:
        """Tell what is left for its own calls, or for those that come through `via`, an account below it.

        `at_once`: without what is reserved; else as if all that is reserved came back unused.
        """
        left = self.limits - self.spent - self.held
        if at_once:
            left -= self.reserved
        if via is not None:
            left -= self.kept + via.held
            for other in self.below - {via}:
                left -= other.claim(at_once=at_once)
        return left

    def claim(self, *, at_once: bool) -> Amount:
        """Tell what nobody else may take beside what this account has spent, and with `at_once` reserved, already."""
        used = self.spent + self.reserved if at_once else self.spent
        return (self.share - used).at_least(self.held)

    def all_left(self, *, at_once: bool) -> Amount:
        """Tell what is left for its own calls in it and in all above."""
        left = UNLIMITED
        for account, via in self.views():
            left = left.at_most(account.left(via, at_once=at_once))
        return left

    def views(self) -> "tuple[tuple[Account, Account | None], ...]":
        """Return each account of the chain, the run's first, with the next one, through which a call comes to it."""
        return tuple(zip(self.chain, (*self.chain[1:], None), strict=True))

    @property
    def exhausted_above(self) -> str | None:
        """Name the limit that ended an account above this one."""
        return next((account.exhausted for account in self.chain[:-1] if account.exhausted is not None), None)

    def check(self, *, last_call: bool = False) -> None:
        """Go on only if neither this account nor one above is exhausted; its own last call may be made all the same.

        Raises:
            BudgetExhausted: one is.
        """
        for account in self.chain[:-1] if last_call else self.chain:
            if account.exhausted is not None:
                raise account.refusal(account.exhausted)

    def refusal(self, limit: str) -> BudgetExhausted:
        """Make the error of a call that does not fit into this account."""
        return BudgetExhausted(limit, f"{self.name} does not allow this call: {limit} is reached")

    def reserve(self, amount: Amount) -> None:
        """Reserve in this account and all above."""
        for account in self.chain:
            account.reserved += amount

    def give_back(self, amount: Amount) -> None:
        """Take a reservation back."""
        for account in self.chain:
            left = account.reserved - amount
            account.reserved = left if left.tokens > 0 else NOTHING  # not what rounding left of the money

    def spend(self, amount: Amount) -> None:
        """Spend from this account and all above."""
        for account in self.chain:
            account.spent += amount
