"""Nobody gets anywhere without signing in, but for the listed addresses and their reasons."""

from typing import Final

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client
from django.urls import resolve

from rlmlab.api.stream import NOT_AUTHENTICATED, websocket_urlpatterns
from rlmlab.asgi import application
from tests.factories.tenancy import Tenant
from tests.guards.addresses import SOME_ID, Address, Operation, addresses, operations

OPEN: Final = {
    "healthz": "asked by supervisors and load balancers, who have no account; says only that the process lives",
    "readyz": "asked by load balancers; names parts of the installation, nothing of any tenant",
    "api/openapi.json": "the public contract, committed in docs/",
    "api/docs": "shows the public contract",
    "api/": "answers 404 to everybody: the framework's anchor for reversing addresses",
    "^api/": "says only that nothing is there",
    "v1/": "answers 404 to everybody: the framework's anchor for reversing addresses",
    "^v1/": "says only that nothing is there",
    "accounts/login/": "where one signs in",
    "accounts/inactive/": "tells somebody who cannot sign in why",
    "invitations": "where one joins by a link, with an account or without; shows nothing but to who has the link",
    "invitations/<str:token>": "such a link; says nothing about itself, only hands on",
    "admin/logout/": "hands on to accounts/logout/, which wants a session",
}
METHODS: Final = ("GET", "POST", "PUT", "DELETE")
SIGN_IN: Final = ("/accounts/login/", "/admin/login/")

pytestmark = pytest.mark.django_db


def outcomes(address: Address, client: Client) -> set[str]:
    """Return how an address answers somebody unknown: `refused`, `not so` (the method is wrong) or `let in`."""
    found = set()
    for method in METHODS:
        response = client.generic(method, address.path)
        refused = response.status_code == 401 or response.headers.get("Location", "").startswith(SIGN_IN)
        found.add("refused" if refused else "not so" if response.status_code == 405 else "let in")
    return found


CLOSED: Final = [address for address in addresses() if address.route not in OPEN]


@pytest.mark.parametrize("address", CLOSED, ids=lambda address: address.route or "/")
def test_an_address_refuses_somebody_unknown(address: Address, client: Client) -> None:
    assert outcomes(address, client) in ({"refused"}, {"refused", "not so"})


def test_no_exception_is_stale(client: Client) -> None:
    found = {address.route: address for address in addresses()}
    assert OPEN.keys() <= found.keys()
    for route in OPEN:
        assert "refused" not in outcomes(found[route], client), route


def test_each_sample_leads_to_its_own_pattern() -> None:
    for address in addresses():
        assert resolve(address.path).route == address.route.replace("/^", "/"), address.path


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_an_operation_refuses_somebody_unknown(operation: Operation, client: Client) -> None:
    for headers in ({}, {"Authorization": "Bearer rlm_aaaaaaaa_" + "b" * 43}, {"Authorization": "Basic YTpi"}):
        response = client.generic(operation.method.upper(), operation.at(), headers=headers)
        assert (response.status_code, response["Content-Type"]) == (401, operation.failure_type), headers
        assert response["WWW-Authenticate"] == "Bearer"


def test_every_operation_declares_how_to_sign_in() -> None:
    for operation in operations():
        ways = [[*way] for way in operation.operation["security"]]
        assert ways == ([["KeyAuth"]] if operation.is_openai else [["KeyAuth"], ["SessionAuth"]]), operation


@pytest.mark.parametrize("operation", [found for found in operations() if found.is_openai], ids=str)
def test_a_session_opens_nothing_for_clients_of_openai(operation: Operation, client: Client, acme: Tenant) -> None:
    """No cookie counts there, so no page of another site can use one."""
    client.force_login(acme.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.generic(operation.method.upper(), operation.at(), headers={"X-Organization": "acme"})
    assert response.status_code == 401


@pytest.mark.parametrize("pattern", websocket_urlpatterns, ids=lambda pattern: str(pattern.pattern))
async def test_a_websocket_refuses_somebody_unknown(pattern: object) -> None:
    assert str(pattern.pattern) == "ws/runs/<uuid:run_id>/"  # type: ignore[attr-defined]
    socket = WebsocketCommunicator(application, f"/ws/runs/{SOME_ID}/")
    assert (await socket.connect())[0]
    assert await socket.receive_output() == {"type": "websocket.close", "code": NOT_AUTHENTICATED}


def test_static_files_are_the_only_other_thing_that_is_served() -> None:
    """WhiteNoise answers below STATIC_URL before any view; nothing else of the middleware answers by itself."""
    assert settings.STATIC_URL == "/static/"
    assert settings.MEDIA_URL in {"", "/"}
    assert not any(address.path.startswith(settings.STATIC_URL) for address in addresses())
