"""Where code can run: each environment of this version is started once."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from rlmlab.management.doctor.findings import SECONDS, Finding
from rlmlab.tenancy.models import EnvironmentName
from sandbox.errors import EnvironmentUnavailable
from sandbox.registry import AUTO, FACTORIES
from trajectories.environments import demanded_level

REMEDIES: Final = {
    "restricted": "See user namespaces, Landlock and seccomp above; `make setup` if a package is missing.",
    "docker": "Install Docker Engine, and let this user use its socket.",
    "monty": "`make setup` installs its interpreter.",
    "wasm": "`make setup` installs its interpreter.",
    "native": "It runs code unconfined and is never chosen unasked.",
}


def look() -> Sequence[Finding]:
    """Start every environment that there is."""
    return [environment(name) for name in EnvironmentName.values if name != AUTO]


def environment(name: str) -> Finding:
    """Start an environment; it is needed where it is what runs get that name none."""
    default = settings.RLMLAB.default_environment
    needed = name == ("restricted" if default == AUTO else default)
    if name not in FACTORIES:
        remedy = "Set RLMLAB_DEFAULT_ENVIRONMENT to auto." if needed else ""
        return Finding(name, "missing" if needed else "none", "not part of this version", remedy, needed)
    try:
        level, milliseconds = asyncio.run(_start(name))
    except (EnvironmentUnavailable, TimeoutError) as error:
        problem = str(error) or f"not ready after {SECONDS:.0f} s"
        return Finding(name, "missing" if needed else "none", problem, REMEDIES[name], needed)
    return _graded(name, level, milliseconds, needed=needed)


def _graded(name: str, level: str, milliseconds: float, *, needed: bool) -> Finding:
    detail = f"level {level}, ready in {milliseconds:.0f} ms"
    if level == "full":
        return Finding(name, "ok", detail, needed=needed)
    if demanded_level() not in {None, level}:
        refused = f"{detail}, but RLMLAB_SANDBOX_LEVEL demands {demanded_level()}"
        return Finding(name, "missing", refused, REMEDIES[name], needed)
    return Finding(name, "warn", detail, REMEDIES[name], needed)


async def _start(name: str) -> tuple[str, float]:
    made = FACTORIES[name]()
    started = time.perf_counter()
    try:
        async with asyncio.timeout(SECONDS):
            await made.start()
        return made.level, (time.perf_counter() - started) * 1000
    finally:
        await made.close()
