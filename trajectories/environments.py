"""Which environments this installation can run code in."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from rlmlab.errors import Invalid
from rlmlab.tenancy.models import EnvironmentName


@dataclass(frozen=True, slots=True)
class Available:
    """An environment that holds here, under its own name (never `auto`), and how strong its walls are."""

    name: str
    level: str


NONE: Final = Available("", "")


def resolve(wanted: str) -> Available:
    """Choose the environment: `auto` is the installation's default, and by itself the restricted one.

    Raises:
        Invalid: there is no such environment, or it does not hold on this machine; the message says what is missing.
    """
    if wanted not in EnvironmentName.values:
        raise Invalid.field("environment", f'"{wanted}" is not an environment; use {", ".join(EnvironmentName.values)}')
    name = settings.RLMLAB.default_environment if wanted == EnvironmentName.AUTO else wanted
    if name not in {EnvironmentName.AUTO, EnvironmentName.RESTRICTED}:
        raise Invalid.field("environment", f"{name} is not available in this installation; use restricted or auto")
    return Available(EnvironmentName.RESTRICTED, "")
