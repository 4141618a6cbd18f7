"""The runner of this worker process, tied to Celery's life."""

import os
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any, Final

from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings

from rlmlab.engine.errors import EngineError
from rlmlab.engine.providers import credentials
from rlmlab.engine.providers.access import Access, SharedProvider
from rlmlab.engine.providers.base import ChatRequest, Completed, ModelInfo, Provider, Restarted, TextDelta
from rlmlab.engine.providers.routing import build_provider
from rlmlab.tenancy.catalogs import catalog
from trajectories import garbage
from trajectories.runner import Runner

LEAN: Final = {"openai", "text-completion-openai"}


@cache
def runner() -> Runner:
    """Return the process's runner, started."""
    made = Runner(_begin)
    made.start()
    return made


async def _begin() -> SharedProvider:
    """Make what runs wait for; from then on the process has all that it keeps."""
    provider = await make_provider()
    garbage.settle()
    return provider


async def make_provider() -> SharedProvider:
    """Build the provider of this process; import the gateway's library ahead where some model will need it."""
    try:
        provider = build_provider(settings.RLMLAB, os.environ)
    except EngineError as error:
        return Refusing(error)
    if uses_gateway(os.environ):
        await provider.warm()
    return provider


class Refusing:
    """Stands for a provider that cannot be built, so that each run ends and says why."""

    def __init__(self, error: EngineError) -> None:
        self._error = error

    def info(self, model: str) -> ModelInfo:
        """Refuse.

        Raises:
            EngineError: always.
        """
        raise type(self._error)(f"{model}: {self._error}")

    def stream(self, request: ChatRequest) -> AsyncIterator[TextDelta | Restarted | Completed]:
        """Refuse.

        Raises:
            EngineError: always.
        """
        raise type(self._error)(f"{request.model}: {self._error}")

    def for_access(self, access: Access) -> Provider:  # noqa: ARG002  whosever: nobody's calls can be made
        """Refuse for every organization."""
        return self

    async def close(self) -> None:
        """Do nothing: there is nothing open."""


def uses_gateway(environ: Mapping[str, str]) -> bool:
    """Tell whether there are credentials of a provider that is reached through the gateway library.

    Its import takes seconds and 190 MB, which an installation with the local model alone need not spend.
    """
    return any(credentials.are_set(name, environ) for name in catalog().prefixes - LEAN)


@worker_ready.connect  # type: ignore[untyped-decorator]  # celery has no types
def begin(**_: Any) -> None:
    """Start the loop, and look for runs that were left by a worker that died."""
    runner().sweep()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # celery has no types
def drain(**_: Any) -> None:
    """Let runs end, or give them up, while Celery waits for its threads."""
    runner().drain()


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # celery has no types
def stop(**_: Any) -> None:
    """End the loop."""
    runner().stop()
