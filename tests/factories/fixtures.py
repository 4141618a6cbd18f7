"""The people of the tests: Ada owns Acme, Bo owns Bolt, Vera may only look at Acme."""

import pytest

from rlmlab.tenancy.models import Role
from rlmlab.tenancy.principals import Principal
from tests.factories.tenancy import Tenant, make_member, make_tenant


@pytest.fixture
def acme(db: None) -> Tenant:
    """Ada's organization."""
    return make_tenant("acme", "ada@acme.example")


@pytest.fixture
def bolt(db: None) -> Tenant:
    """Bo's organization."""
    return make_tenant("bolt", "bo@bolt.example")


@pytest.fixture
def ada(acme: Tenant) -> Principal:
    """Acme's owner."""
    return acme.principal


@pytest.fixture
def bo(bolt: Tenant) -> Principal:
    """Bolt's owner."""
    return bolt.principal


@pytest.fixture
def vera(acme: Tenant) -> Principal:
    """A viewer at Acme."""
    return make_member(acme.organization, "vera@acme.example", Role.VIEWER)
