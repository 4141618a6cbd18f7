"""Browsers without JavaScript, as Ada, Bo and Vera."""

import pytest
from django.test import Client

from rlmlab.tenancy.models import User
from rlmlab.tenancy.principals import Principal


def browser_of(principal: Principal) -> Client:
    """Return a client that is signed in as a member."""
    client = Client()
    client.force_login(
        User.objects.get(id=principal.actor.id), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    return client


@pytest.fixture
def as_ada(ada: Principal) -> Client:
    return browser_of(ada)


@pytest.fixture
def as_bo(bo: Principal) -> Client:
    return browser_of(bo)


@pytest.fixture
def as_vera(vera: Principal) -> Client:
    return browser_of(vera)
