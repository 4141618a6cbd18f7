"""Recording of sign-ins, sign-outs and refusals.

A person's sign-in stands in the chain of each organization they belong to, since each one's owners review it; without
any membership it stands in the installation's chain.
"""

from uuid import UUID

from rlmlab import scoping
from rlmlab.audit.actions import record_attempt
from rlmlab.audit.actors import Actor
from rlmlab.audit.models import Outcome
from rlmlab.tenancy.models import User
from rlmlab.tenancy.principals import PermissionMissing
from rlmlab.tenancy.queries import memberships_of


def record_sign_in(*, user: User, ip: str) -> None:
    """Record that a person signed in."""
    _record(user, "session.sign_in", Outcome.OK, ip)


def record_sign_out(*, user: User, ip: str) -> None:
    """Record that a person signed out."""
    _record(user, "session.sign_out", Outcome.OK, ip)


def record_password_change(*, user: User, ip: str) -> None:
    """Record that a person changed their password."""
    _record(user, "user.change_password", Outcome.OK, ip)


def record_failed_sign_in(*, email: str, ip: str) -> None:
    """Record a sign-in that failed, by a person we know or by nobody we know."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is not None:
        _record(user, "session.sign_in_fail", Outcome.FAILED, ip)
        return
    record_attempt(
        organization_id=None,
        actor=Actor("user", None, email[:254].replace("\x00", "")),
        action="session.sign_in_fail",
        outcome=Outcome.FAILED,
        object_type="session",
        ip=ip,
    )


def record_refusal(error: PermissionMissing, *, ip: str | None = None) -> None:
    """Record that a principal lacked a permission.

    Interfaces call it where they turn the error into an answer, that is after the action's transaction is rolled back.
    """
    record_attempt(
        organization_id=error.principal.organization_id,
        actor=error.principal.actor,
        action="access.deny",
        outcome=Outcome.DENIED,
        object_type="permission",
        changes={"permission": error.permission},
        ip=ip,
    )


def _record(user: User, action: str, outcome: Outcome, ip: str) -> None:
    chains: list[UUID] = [membership.organization_id for membership in memberships_of(user)]
    for organization_id in chains or [scoping.PLATFORM]:
        record_attempt(
            organization_id=organization_id,
            actor=Actor("user", user.id, user.email),
            action=action,
            outcome=outcome,
            object_type="session",
            ip=ip,
        )
