"""Environments by name, and what `auto` means on this machine."""

from collections.abc import Callable, Mapping

from sandbox.base import Environment
from sandbox.errors import EnvironmentUnavailable
from sandbox.restricted import RestrictedEnvironment

Factory = Callable[[], Environment]

AUTO = "auto"
FACTORIES: Mapping[str, Factory] = {RestrictedEnvironment.name: RestrictedEnvironment}
_AUTOMATIC = (RestrictedEnvironment.name,)  # strongest default first; nothing unjailed is ever chosen unasked


async def start_environment(
    name: str, *, level: str | None = None, factories: Mapping[str, Factory] = FACTORIES
) -> Environment:
    """Start the environment called `name`; `auto` takes the first that this machine can give.

    `level` demands that all walls of that level stand: "full" refuses an environment that lacks an optional one.

    Raises:
        EnvironmentUnavailable: unknown name, or what is missing here.
    """
    candidates = [each for each in _AUTOMATIC if each in factories] if name == AUTO else [name]
    reasons = []
    for candidate in candidates:
        try:
            return await _start(candidate, level, factories)
        except EnvironmentUnavailable as error:
            reasons.append(f"{candidate}: {error}")
    raise EnvironmentUnavailable("; ".join(reasons) or "no environment is installed")


async def _start(name: str, level: str | None, factories: Mapping[str, Factory]) -> Environment:
    if name not in factories:
        raise EnvironmentUnavailable(f"there is no such environment; there are {', '.join(sorted(factories))}")
    environment = factories[name]()
    await environment.start()
    if level is not None and environment.level != level:
        await environment.close()
        raise EnvironmentUnavailable(f"its level here is {environment.level}, but {level} is demanded")
    return environment
