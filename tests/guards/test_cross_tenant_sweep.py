"""Bo finds nothing of Acme's on any page, by no operation in his browser's session, and over no WebSocket.

The operations by API key are swept in `tests/api/test_openapi.py`.
"""

import json
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from rlmlab import scoping
from rlmlab.api.stream import NOT_FOUND, websocket_urlpatterns
from rlmlab.asgi import application
from rlmlab.audit.models import AuditEntry
from rlmlab.tenancy.models import ApiKey, Invitation, Membership, ModelPrice, Project, ProviderKey
from tests.factories.runs import finished_run
from tests.factories.sweep import BODIES, filled, things_of
from tests.factories.tenancy import Tenant
from tests.guards.addresses import Address, Operation, addresses, operations
from trajectories.models import Run

PAGES = [address for address in addresses() if address.module.startswith("rlmlab.console")]
FOR_STRANGERS = {"invitation"}  # whoever has the link may come; what it shows: tests/console/test_invitations.py
OF_A_TENANT = [page for page in PAGES if "<" in page.route and page.name not in FOR_STRANGERS]
INSIDE = [page for page in OF_A_TENANT if page.route.count("<") > 1]  # an organization and something of its own
POST_ONLY = {
    "empty_cache",
    "retire_example",
    "renew_example",
    "pin_memory",
    "forget_memory",
    "restore_memory",
    "erase_memory",
    "cancel_experiment",
    "retire_item",
    "try_provider_key",
    "remove_provider_key",
    "set_price",
    "remove_price",
    "revoke_key",
    "change_member",
    "delete_prompt_label",
    "renew_invitation",
    "revoke_invitation",
    "verify_audit",
}
BY_SESSION = [operation for operation in operations() if "{" in operation.path and not operation.is_openai]
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def secrets(acme: Tenant) -> dict[str, Any]:
    """Things that only Acme has, by the names of the URLs' parameters."""
    return things_of(acme)


@pytest.fixture
def as_bo(bolt: Tenant) -> Client:
    client = Client()
    client.force_login(bolt.user, backend=BACKEND)
    return client


@pytest.fixture
def as_ada(acme: Tenant) -> Client:
    client = Client()
    client.force_login(acme.user, backend=BACKEND)
    return client


def path_of(page: Address, values: dict[str, Any]) -> str:
    return reverse(page.name, kwargs={name: value for name, value in values.items() if f":{name}>" in page.route})


def state(acme: Tenant) -> list[object]:
    """Everything that a request of Bo's could have changed."""
    with scoping.organization(acme.organization):
        return [
            list(ApiKey.objects.order_by("id").values_list("id", "revoked_at")),
            list(Invitation.objects.order_by("id").values_list("id", "revoked_at", "accepted_at")),
            list(ProviderKey.objects.order_by("id").values_list("id", "secret")),
            list(ModelPrice.objects.order_by("id").values_list("id", "input_usd")),
            list(Project.objects.order_by("id").values_list("id", "name", "default_model")),
            list(Membership.objects.order_by("id").values_list("id", "role")),
            list(Run.objects.order_by("id").values_list("id", "status", "cancel_requested", "last_seq")),
            AuditEntry.objects.count(),
        ]


def test_there_are_pages_to_sweep() -> None:
    assert {"runs", "run", "launch", "members", "keys", "revoke_key", "change_member", "audit"} <= {
        page.name for page in OF_A_TENANT
    }
    assert len(BY_SESSION) >= 7


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("page", OF_A_TENANT, ids=lambda page: page.name)
def test_bo_gets_404_from_a_page_of_acme(
    page: Address, method: str, as_bo: Client, acme: Tenant, secrets: dict[str, Any]
) -> None:
    before = state(acme)
    response = getattr(as_bo, method)(path_of(page, secrets))
    assert response.status_code == 404 or is_wrong_method(page, method, response)
    assert b"secret" not in response.content
    assert state(acme) == before


def is_wrong_method(page: Address, method: str, response: Any) -> bool:
    """Tell whether the page has no such method for anybody; what changes something takes POST alone."""
    return response.status_code == 405 and (method == "post") != (page.name in POST_ONLY)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "page", [page for page in OF_A_TENANT if page.route.count("<") > 1], ids=lambda page: page.name
)
def test_bo_finds_nothing_of_acme_in_an_organization_of_his(
    page: Address, method: str, as_bo: Client, acme: Tenant, secrets: dict[str, Any]
) -> None:
    """The organization in the address is his, the id beside it is not."""
    before = state(acme)
    body = {"role": "viewer"}
    response = getattr(as_bo, method)(path_of(page, secrets | {"organization": "bolt"}), body)
    assert response.status_code == 404 or is_wrong_method(page, method, response)
    assert state(acme) == before


@pytest.mark.parametrize("page", OF_A_TENANT, ids=lambda page: page.name)
def test_the_sweep_asks_for_what_is_there(page: Address, as_ada: Client, secrets: dict[str, Any]) -> None:
    assert as_ada.get(path_of(page, secrets)).status_code in {200, 302, 405}


@pytest.mark.parametrize("operation", BY_SESSION, ids=str)
@pytest.mark.parametrize("claimed", ["acme", "bolt"])
def test_bo_gets_404_from_an_operation_in_his_session(
    operation: Operation, claimed: str, as_bo: Client, acme: Tenant, secrets: dict[str, Any]
) -> None:
    """Whether he claims Acme in the header or stays in his own organization."""
    before = state(acme)
    path = filled(operation.path, secrets)
    sent = {"X-Organization": claimed}
    body = json.dumps(BODIES.get((operation.method.lower(), operation.path), {}))
    if operation.path.endswith("/files"):
        response = as_bo.post(path, {"file": SimpleUploadedFile("a.txt", b"a")}, headers=sent)
    else:
        response = as_bo.generic(operation.method.upper(), path, body, "application/json", headers=sent)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert state(acme) == before


@pytest.mark.django_db(transaction=True)
async def test_bo_gets_4404_over_a_websocket(acme: Tenant, bolt: Tenant) -> None:
    from asgiref.sync import sync_to_async

    assert len(websocket_urlpatterns) == 1
    run = await sync_to_async(finished_run)(acme.principal, acme.project)
    headers = [(b"authorization", f"Bearer {bolt.key}".encode())]
    socket = WebsocketCommunicator(application, f"/ws/runs/{run.id}/", headers)
    assert (await socket.connect(timeout=10))[0]
    assert await socket.receive_output(timeout=10) == {"type": "websocket.close", "code": NOT_FOUND}
