"""Clients of the API, as Ada, Bo and Vera."""

from typing import Any

import pytest
from django.test import Client

from rlmlab.tenancy.actions.keys import create_key
from rlmlab.tenancy.principals import system_principal
from tests.factories.tenancy import Tenant


class ApiClient(Client):
    """Django's client with a key, that sends and reads JSON."""

    def __init__(self, key: str = "", **defaults: Any) -> None:
        super().__init__(headers={"Authorization": f"Bearer {key}"} if key else None, **defaults)

    def send(self, path: str, body: Any, **headers: str) -> Any:
        """POST a JSON body."""
        return self.post(path, body, content_type="application/json", headers=headers)


@pytest.fixture
def as_ada(acme: Tenant) -> ApiClient:
    return ApiClient(acme.key)


@pytest.fixture
def as_bo(bolt: Tenant) -> ApiClient:
    return ApiClient(bolt.key)


@pytest.fixture
def as_vera(acme: Tenant) -> ApiClient:
    return ApiClient(create_key(by=system_principal(acme.organization), label="look", role="viewer").raw)


@pytest.fixture
def nobody(db: None) -> ApiClient:
    return ApiClient()
