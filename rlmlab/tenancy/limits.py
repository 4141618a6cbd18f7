"""Limits of a run's budget: what may be asked for at all, and what an organization's caps leave of it."""

from collections.abc import Mapping
from typing import Any, Final

from rlmlab.engine.types import Budget
from rlmlab.errors import Invalid
from rlmlab.tenancy.models import Organization

HIGHEST: Final[Mapping[str, float]] = {
    "max_tokens": 10**12,
    "max_cost_usd": 10**6,
    "max_seconds": 7 * 24 * 3600,
    "max_depth": 32,
    "max_steps": 10_000,
    "max_sub_calls": 1_000_000,
}


def checked_budget(given: Mapping[str, Any], organization: Organization) -> Budget:
    """Build a budget of the limits that are given, with the engine's defaults for the rest.

    Raises:
        Invalid: a limit is no limit, not in its range, or above the organization's cap; the field is `budget.<limit>`.
    """
    if unknown := sorted(set(given) - set(HIGHEST)):
        raise Invalid.field(f"budget.{unknown[0]}", f"is not a limit; use {', '.join(HIGHEST)}")
    try:
        budget = Budget(**given)
    except ValueError as error:
        limit, _, message = str(error).partition(": ")
        raise Invalid.field(f"budget.{limit}", message) from None
    caps = highest_of(organization)
    for name, value in given.items():
        if value > caps[name]:
            whose = "your organization's cap" if caps[name] < HIGHEST[name] else "the highest value"
            raise Invalid.field(f"budget.{name}", f"is {value:,}; {whose} is {caps[name]:,}")
    return budget


def highest_of(organization: Organization) -> dict[str, float]:
    """Return the highest value of each limit here."""
    caps: dict[str, Any] = dict(organization.budget_caps())
    return {name: min(highest, caps.get(name, highest)) for name, highest in HIGHEST.items()}
