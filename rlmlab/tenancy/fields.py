"""Cleaning of values that people choose; an error names the field."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from rlmlab.errors import Invalid
from rlmlab.tenancy.models import EnvironmentName, Role, User

SLUG_LENGTH: Final = 50
NAME_LENGTH: Final = 120
_SLUG: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")

# They would read as pages of the console, or as parts of a URL, where a slug stands.
RESERVED_SLUGS: Final = frozenset(
    {"accounts", "admin", "api", "all", "current", "edit", "me", "new", "none", "null", "o", "p", "runs", "settings"}
    | {"static", "system", "undefined", "ws"}
)


def is_slug(value: str) -> bool:
    """Tell whether something could be a slug; what cannot is not worth a query."""
    return len(value) <= SLUG_LENGTH and _SLUG.fullmatch(value) is not None


def clean_slug(field: str, value: str) -> str:
    """Return a slug: up to 50 lower-case letters, digits and hyphens, not a reserved word.

    Raises:
        Invalid: it is not one.
    """
    if len(value) > SLUG_LENGTH:
        raise Invalid.field(field, f"has {len(value)} characters; {SLUG_LENGTH} are allowed")
    if not _SLUG.fullmatch(value):
        raise Invalid.field(field, "must be lower-case letters, digits and inner hyphens")
    if value in RESERVED_SLUGS:
        raise Invalid.field(field, f'"{value}" is reserved; choose another')
    return value


def clean_text(field: str, value: str, *, limit: int = NAME_LENGTH, blank: bool = False) -> str:
    """Return a line of text without surrounding space.

    Raises:
        Invalid: it is empty, too long, or has control characters or lone surrogates.
    """
    text = value.strip()
    if not text and not blank:
        raise Invalid.field(field, "must not be empty")
    if len(text) > limit:
        raise Invalid.field(field, f"has {len(text)} characters; {limit} are allowed")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise Invalid.field(field, "must not contain control characters or lone surrogates")
    return text


def clean_email(field: str, value: str) -> str:
    """Return an email address in lower case.

    Raises:
        Invalid: it is not one.
    """
    email = clean_text(field, value, limit=254).lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid.field(field, f'"{email}" is not an email address') from None
    return email


def clean_password(field: str, value: str, *, user: User | None = None) -> str:
    """Return a password that the settings' validators accept.

    Raises:
        Invalid: with their reasons.
    """
    try:
        validate_password(value, user)
    except ValidationError as error:
        raise Invalid.field(field, " ".join(error.messages)) from None
    return value


def clean_role(field: str, value: str) -> Role:
    """Return a role.

    Raises:
        Invalid: there is none of this name.
    """
    if value not in Role.values:
        raise Invalid.field(field, f'"{value}" is not a role; use one of {", ".join(Role.values)}')
    return Role(value)


def clean_environment(field: str, value: str) -> EnvironmentName:
    """Return the name of an environment.

    Raises:
        Invalid: there is none of this name.
    """
    if value not in EnvironmentName.values:
        raise Invalid.field(field, f'"{value}" is not an environment; use one of {", ".join(EnvironmentName.values)}')
    return EnvironmentName(value)


@contextmanager
def unique(constraint: str, field: str, message: str) -> Iterator[None]:
    """Turn the violation of a uniqueness constraint into an error of the field.

    The database decides, since a look before the insert would race with another.

    Raises:
        Invalid: the constraint was violated.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        cause = error.__cause__
        if isinstance(cause, UniqueViolation) and cause.diag.constraint_name == constraint:
            raise Invalid.field(field, message) from None
        raise
