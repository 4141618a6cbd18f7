"""People's accounts."""

import secrets

from django.db import transaction

from rlmlab import scoping
from rlmlab.audit.actions import Subject, record
from rlmlab.audit.actors import Actor
from rlmlab.tenancy.fields import clean_email, clean_password, clean_text, unique
from rlmlab.tenancy.models import User


def generate_password() -> str:
    """Make a password of 120 random bits that is easy to copy."""
    return secrets.token_urlsafe(15)


def create_user(*, by: Actor | None, email: str, password: str, name: str = "", administrator: bool = False) -> User:
    """Make a person's account; an administrator may open the installation's admin panel.

    `by` None: the person does it, who has become somebody only by that.

    Raises:
        Invalid: the email is not valid or taken, or the password is too weak.
    """
    user = User(
        email=clean_email("email", email),
        name=clean_text("name", name, blank=True),
        is_staff=administrator,
        is_superuser=administrator,
    )
    user.set_password(clean_password("password", password, user=user))
    with scoping.organization(scoping.PLATFORM):
        with unique("user_email_once", "email", f'"{user.email}" has an account already'):
            user.save(force_insert=True)
        record(
            organization_id=None,
            actor=by or Actor("user", user.id, user.email),
            action="user.create",
            object_type="user",
            object_id=user.id,
            changes={"administrator": administrator},
            subject=Subject(user.id, {"email": user.email, "name": user.name}),
        )
    return user


def rename_user(*, by: User, name: str) -> User:
    """Change one's own name; it may be empty.

    Raises:
        Invalid: it is too long or has characters that are none.
    """
    name = clean_text("name", name, blank=True)
    if name == by.name:  # nothing was done, so that the audit log says nothing
        return by
    by.name = name
    with scoping.organization(scoping.PLATFORM):
        by.save(update_fields=["name"])
        record(
            organization_id=None,
            actor=Actor("user", by.id, by.email),
            action="user.rename",
            object_type="user",
            object_id=by.id,
            changes={},
            subject=Subject(by.id, {"email": by.email, "name": name}),
        )
    return by


def set_password(*, by: Actor, user: User, password: str) -> None:
    """Give a person another password.

    Raises:
        Invalid: it is too weak.
    """
    user.set_password(clean_password("password", password, user=user))
    with scoping.organization(scoping.PLATFORM), transaction.atomic():
        user.save(update_fields=["password"])
        record(
            organization_id=None,
            actor=by,
            action="user.set_password",
            object_type="user",
            object_id=user.id,
            changes={},
            subject=Subject(user.id, {"email": user.email}),
        )
