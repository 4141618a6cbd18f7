"""Which environments this installation can run code in, and those of a worker."""

import asyncio
import os
import time
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from rlmlab.errors import Invalid
from rlmlab.tenancy.models import EnvironmentName
from sandbox.base import Environment, Session, SessionSpec
from sandbox.errors import EnvironmentUnavailable
from sandbox.registry import start_environment

REMEMBER_REFUSAL_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Available:
    """An environment that holds here, under its own name (never `auto`), and how strong its walls are."""

    name: str
    level: str


NONE: Final = Available("", "")


class _Probes:
    """What was found out about environments on this machine; refusals are looked at again after a while."""

    def __init__(self) -> None:
        self._found: dict[str, Available] = {}
        self._refused: dict[str, tuple[float, str]] = {}

    def resolve(self, name: str) -> Available:
        """Start the environment once and see what holds.

        Raises:
            EnvironmentUnavailable: saying what is missing.
        """
        until, reason = self._refused.get(name, (0.0, ""))
        if time.monotonic() < until:
            raise EnvironmentUnavailable(reason)
        if name not in self._found:
            try:
                self._found[name] = asyncio.run(_probe(name))
            except EnvironmentUnavailable as error:
                self._refused[name] = (time.monotonic() + REMEMBER_REFUSAL_SECONDS, str(error))
                raise
        return self._found[name]


_probes = _Probes()


def resolve(wanted: str) -> Available:
    """Choose the environment: `auto` is the installation's default, and by itself the strictest that holds here.

    Raises:
        Invalid: there is no such environment, or it does not hold on this machine; the message says what is missing.
    """
    if wanted not in EnvironmentName.values:
        raise Invalid.field("environment", f'"{wanted}" is not an environment; use {", ".join(EnvironmentName.values)}')
    name = settings.RLMLAB.default_environment if wanted == EnvironmentName.AUTO else wanted
    try:
        return _probes.resolve(name)
    except EnvironmentUnavailable as error:
        raise Invalid.field("environment", f"{name} is not available on this machine: {error}") from None


async def _probe(name: str) -> Available:
    environment = await start_environment(name, level=demanded_level())
    await environment.close()
    return Available(environment.name, environment.level)


def demanded_level() -> str | None:
    """Return the level that the operator demands; None where any will do."""
    level: str = settings.RLMLAB.sandbox_level
    return None if level == "any" else level


class Environments:
    """A worker's started environments by name; one that cannot start is tried again for the next run."""

    def __init__(self) -> None:
        self._started: dict[str, Environment] = {}
        self._starting = asyncio.Lock()

    async def get(self, name: str) -> Environment:
        """Return the environment; one that cannot start refuses every session, so that the run ends and says why."""
        async with self._starting:
            if name not in self._started:
                try:
                    self._started[name] = await start_environment(name, level=demanded_level())
                except EnvironmentUnavailable as error:
                    return Missing(name, error)
            return self._started[name]

    async def close(self) -> None:
        """Close all of them."""
        for environment in self._started.values():
            await environment.close()
        self._started.clear()


class Missing:
    """Stands for an environment that cannot start here."""

    level = "unavailable"

    def __init__(self, name: str, error: EnvironmentUnavailable) -> None:
        self.name = name
        self._error = error

    async def start(self) -> None:
        """Refuse.

        Raises:
            EnvironmentUnavailable: always.
        """
        raise self._error

    async def open(self, spec: SessionSpec) -> Session:
        """Refuse, and release the input.

        Raises:
            EnvironmentUnavailable: always.
        """
        if spec.context is not None:
            os.close(spec.context.fd)
        raise self._error

    async def close(self) -> None:
        """Do nothing: there is nothing open."""
