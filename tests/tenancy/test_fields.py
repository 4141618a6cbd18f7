"""What people choose is cleaned, and an error names the field."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError

from rlmlab.errors import Invalid
from rlmlab.tenancy.fields import (
    RESERVED_SLUGS,
    clean_email,
    clean_environment,
    clean_password,
    clean_role,
    clean_slug,
    clean_text,
    unique,
)
from rlmlab.tenancy.models import User
from tests.factories.tenancy import make_user


def message(call: Callable[[], object]) -> str:
    """The one field error of a call, as `field: message`."""
    with pytest.raises(Invalid) as caught:
        call()
    (error,) = caught.value.errors
    assert caught.value.detail == f"{error.field}: {error.message}"
    return caught.value.detail


@pytest.mark.parametrize("slug", ["a", "acme", "a-1", "1st", "a" * 50, "a--b"])
def test_slug_is_accepted(slug: str) -> None:
    assert clean_slug("slug", slug) == slug


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a b", "a_b", "ä", "a/b", "a.b", "a\n", "a\x00"])
def test_slug_with_other_characters_is_refused(slug: str) -> None:
    assert message(lambda: clean_slug("slug", slug)) == ("slug: must be lower-case letters, digits and inner hyphens")


def test_slug_that_is_too_long_is_refused() -> None:
    assert message(lambda: clean_slug("organization", "a" * 51)) == ("organization: has 51 characters; 50 are allowed")


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_reserved_slug_is_refused(slug: str) -> None:
    assert message(lambda: clean_slug("slug", slug)) == f'slug: "{slug}" is reserved; choose another'


def test_text_is_stripped() -> None:
    assert clean_text("name", "  Acme Ltd ") == "Acme Ltd"
    assert clean_text("name", "  ", blank=True) == ""
    assert clean_text("name", "Größe 東京 🙂") == "Größe 東京 🙂"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "must not be empty"),
        ("  ", "must not be empty"),
        ("a" * 121, "has 121 characters; 120 are allowed"),
        ("a\x00b", "must not contain control characters or lone surrogates"),
        ("a\nb", "must not contain control characters or lone surrogates"),
        ("a\ud800", "must not contain control characters or lone surrogates"),
    ],
)
def test_text_that_is_not_a_line_is_refused(value: str, reason: str) -> None:
    assert message(lambda: clean_text("name", value)) == f"name: {reason}"


def test_email_is_lowered() -> None:
    assert clean_email("email", " Ada@Acme.Example ") == "ada@acme.example"
    assert clean_email("email", "admin@localhost") == "admin@localhost"


@pytest.mark.parametrize("value", ["ada", "ada@", "@acme.example", "a b@acme.example", "ada@acme"])
def test_email_that_is_none_is_refused(value: str) -> None:
    assert message(lambda: clean_email("email", value)) == f'email: "{value}" is not an email address'


def test_weak_password_is_refused_with_every_reason() -> None:
    assert message(lambda: clean_password("password", "12345")) == (
        "password: This password is too short. It must contain at least 8 characters. This password is too common."
    )
    similar = message(lambda: clean_password("password", "ada-lovelace", user=User(email="ada-lovelace@acme.example")))
    assert similar == "password: The password is too similar to the email."


def test_role_and_environment_are_closed_sets() -> None:
    assert clean_role("role", "viewer") == "viewer"
    assert (
        message(lambda: clean_role("role", "king"))
        == 'role: "king" is not a role; use one of owner, admin, editor, reviewer, viewer'
    )
    assert clean_environment("environment", "docker") == "docker"
    assert message(lambda: clean_environment("environment", "chroot")) == (
        'environment: "chroot" is not an environment; use one of auto, restricted, native, docker, monty, wasm'
    )


@pytest.mark.django_db
def test_unique_turns_only_its_own_constraint_into_an_error() -> None:
    make_user("ada@acme.example")

    def again() -> None:
        with unique("user_email_once", "email", "is taken"):
            make_user("ada@acme.example")

    assert message(again) == "email: is taken"
    with (
        pytest.raises(IntegrityError, match="user_email_is_lower_case"),
        unique("user_email_once", "email", "is taken"),
    ):
        make_user("Ada@acme.example")
    assert User.objects.count() == 1
