"""How a worker's event loop reaches the database."""

from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec, Protocol, TypeVar

from django.db import InterfaceError, OperationalError

P = ParamSpec("P")
T = TypeVar("T")

AWAY: Final = (OperationalError, InterfaceError)


class Database(Protocol):
    """Runs database work on one of a few threads."""

    def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Return what the work returns."""
        ...
