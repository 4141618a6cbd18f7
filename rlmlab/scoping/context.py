"""Scopes: which organization's rows this transaction may see.

A scope is a database transaction with the setting `rlmlab.organization` (or `rlmlab.system`), which the row-level
security policies read. Both are local to the transaction: a connection that goes back to the pool carries nothing, and
code outside every scope sees no tenant row at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from django.db import connection, transaction

PLATFORM: Final = UUID(int=0)
"""Stands where an organization would, for records of the installation itself (a failed sign-in of nobody)."""


class Tenant(Protocol):
    """An organization row; a protocol, because the model lives above this package."""

    @property
    def pk(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class _Scope:
    organization_id: UUID | None
    reason: str


_NOTHING: Final = _Scope(None, "")
_current: ContextVar[_Scope] = ContextVar("rlmlab_scope", default=_NOTHING)


def organization_id_of(organization: Tenant | UUID) -> UUID:
    """Return the id of an organization given as a row or as an id.

    Raises:
        TypeError: the value is neither, or a row that has no id.
    """
    value = organization if isinstance(organization, UUID) else getattr(organization, "pk", None)
    if not isinstance(value, UUID):
        raise TypeError(f"an organization or its UUID is needed, not {organization!r}")
    return value


def current_organization_id() -> UUID | None:
    """Return the organization of the innermost scope; None outside of scopes and in a system scope."""
    return _current.get().organization_id


def current_system_reason() -> str:
    """Return why the innermost scope reaches across tenants; empty where it does not."""
    return _current.get().reason


@contextmanager
def organization(organization: Tenant | UUID) -> Iterator[None]:
    """Open a transaction that sees and writes the rows of one organization.

    Scopes nest, also a system scope with an organization inside, which narrows it. The previous scope is back
    afterwards, whether the block ended well or not; a failed inner block rolls back to its savepoint.
    """
    with _entered(_Scope(organization_id_of(organization), "")):
        yield


@contextmanager
def system(reason: str) -> Iterator[None]:
    """Open a transaction that sees the rows of every organization.

    For look-ups that happen before an organization is known, and for the installation's own upkeep. A guard test lists
    every call, so `reason` is a literal that says what for.
    """
    if not reason.strip():
        raise ValueError("a system scope needs a reason")
    with _entered(_Scope(None, reason)):
        yield


@contextmanager
def _entered(scope: _Scope) -> Iterator[None]:
    outermost = not connection.in_atomic_block
    previous = _current.get()
    with transaction.atomic():
        _apply(scope)
        token = _current.set(scope)
        try:
            yield
        finally:
            # before the commit, so that on_commit callbacks do not take themselves to be inside
            _current.reset(token)
        # An exception never comes here: rolling back to the savepoint brings the settings back as well.
        # The end of the outermost transaction forgets them by itself.
        if not outermost and not connection.needs_rollback:
            _apply(previous)


def _apply(scope: _Scope) -> None:
    organization_id = "" if scope.organization_id is None else str(scope.organization_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('rlmlab.organization', %s, true), set_config('rlmlab.system', %s, true)",
            [organization_id, "on" if scope.reason else ""],
        )
