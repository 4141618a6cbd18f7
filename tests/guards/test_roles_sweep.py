"""Roles on each page and operation: 403, recorded, for those below the one from which on the table permits it.

Each role may what the one below may, so the first that may is asked for all above. A new page of an organization, or a
new operation, adds a line saying what it needs.
"""

import json
from typing import Any, Final

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.tenancy.actions.keys import create_key
from rlmlab.tenancy.models import Membership, Role
from rlmlab.tenancy.permissions import permitted
from tests.console.conftest import browser_of
from tests.factories.sweep import BODIES, filled, things_of
from tests.factories.tenancy import Tenant, make_member
from tests.guards.addresses import Operation, addresses, operations

pytestmark = pytest.mark.django_db

# name of a page → what it needs, by method
PAGES: Final[dict[str, dict[str, str]]] = {
    "organization": {"get": "project.view"},
    "projects": {"get": "project.view", "post": "project.create"},
    "runs": {"get": "run.view"},
    "launch": {"get": "run.create"},
    "prompts": {"get": "prompt.view"},
    "prompt": {"get": "prompt.view"},
    "new_prompt_version": {"get": "prompt.edit"},
    "move_prompt_label": {"get": "prompt.promote"},
    "delete_prompt_label": {"post": "prompt.promote"},
    "datasets": {"get": "dataset.view"},
    "dataset": {"get": "dataset.view"},
    "new_item": {"get": "dataset.manage"},
    "import_items": {"get": "dataset.manage"},
    "export_dataset": {"get": "dataset.view"},
    "item": {"get": "dataset.view"},
    "retire_item": {"post": "dataset.manage"},
    "run_item": {"get": "dataset.manage"},
    "experiments": {"get": "experiment.view"},
    "new_experiment": {"get": "experiment.run"},
    "experiment": {"get": "experiment.view"},
    "cancel_experiment": {"post": "experiment.run"},
    "project_settings": {"get": "project.configure", "post": "project.configure"},
    "empty_cache": {"post": "project.configure"},
    "examples": {"get": "example.view"},
    "example": {"get": "example.view"},
    "retire_example": {"post": "example.manage"},
    "renew_example": {"post": "example.manage"},
    "memories": {"get": "memory.view"},
    "memory": {"get": "memory.view"},
    "pin_memory": {"post": "memory.manage"},
    "forget_memory": {"post": "memory.manage"},
    "restore_memory": {"post": "memory.manage"},
    "erase_memory": {"post": "memory.manage"},
    "members": {"get": "member.manage", "post": "member.manage"},
    "change_member": {"post": "member.manage"},
    "renew_invitation": {"post": "member.manage"},
    "revoke_invitation": {"post": "member.manage"},
    "keys": {"get": "key.manage", "post": "key.manage"},
    "revoke_key": {"post": "key.manage"},
    "providers": {"get": "provider.manage"},
    "remove_provider_key": {"post": "provider.manage"},
    "try_provider_key": {"post": "provider.manage"},
    "set_price": {"post": "provider.manage"},
    "remove_price": {"post": "provider.manage"},
    "audit": {"get": "audit.view"},
    "verify_audit": {"post": "audit.view"},
}
# what changes something is asked for with a form that is not valid, or not at all: who may gets past the permission
OPERATIONS: Final[dict[str, str]] = {
    "GET /api/v1/projects": "project.view",
    "POST /api/v1/projects": "project.create",
    "GET /api/v1/projects/{slug}": "project.view",
    "PATCH /api/v1/projects/{slug}": "project.configure",
    "DELETE /api/v1/cached-answers": "project.configure",
    "POST /api/v1/projects/{slug}/files": "file.create",
    "GET /api/v1/projects/{slug}/prompts": "prompt.view",
    "GET /api/v1/projects/{slug}/prompts/{prompt}": "prompt.view",
    "GET /api/v1/projects/{slug}/prompts/{prompt}/versions": "prompt.view",
    "POST /api/v1/projects/{slug}/prompts/{prompt}/versions": "prompt.edit",
    "GET /api/v1/projects/{slug}/prompts/{prompt}/versions/{number}": "prompt.view",
    "GET /api/v1/projects/{slug}/prompts/{prompt}/labels": "prompt.view",
    "PUT /api/v1/projects/{slug}/prompts/{prompt}/labels/{label}": "prompt.promote",
    "DELETE /api/v1/projects/{slug}/prompts/{prompt}/labels/{label}": "prompt.promote",
    "GET /api/v1/projects/{slug}/prompts/{prompt}/promotions": "prompt.view",
    "GET /api/v1/projects/{slug}/datasets": "dataset.view",
    "POST /api/v1/projects/{slug}/datasets": "dataset.manage",
    "GET /api/v1/projects/{slug}/datasets/{dataset}": "dataset.view",
    "GET /api/v1/projects/{slug}/datasets/{dataset}/items": "dataset.view",
    "POST /api/v1/projects/{slug}/datasets/{dataset}/items": "dataset.manage",
    "GET /api/v1/projects/{slug}/datasets/{dataset}/export": "dataset.view",
    "GET /api/v1/projects/{slug}/experiments": "experiment.view",
    "POST /api/v1/projects/{slug}/experiments": "experiment.run",
    "GET /api/v1/projects/{slug}/experiments/{experiment_id}": "experiment.view",
    "GET /api/v1/projects/{slug}/experiments/{experiment_id}/items": "experiment.view",
    "POST /api/v1/projects/{slug}/experiments/{experiment_id}/cancel": "experiment.run",
    "GET /api/v1/tools": "project.view",
    "POST /api/v1/projects/{slug}/runs": "run.create",
    "GET /api/v1/projects/{slug}/runs": "run.view",
    "GET /api/v1/runs/{run_id}": "run.view",
    "PATCH /api/v1/runs/{run_id}": "run.tag",
    "POST /api/v1/runs/{run_id}/cancel": "run.cancel",
    "POST /api/v1/runs/{run_id}/pause": "run.cancel",
    "POST /api/v1/runs/{run_id}/resume": "run.create",
    "POST /api/v1/runs/{run_id}/fork": "run.create",
    "POST /api/v1/runs/{run_id}/retry": "run.create",
    "GET /api/v1/runs/{run_id}/descendants": "run.view",
    "GET /api/v1/runs/{run_id}/events": "run.view",
    "GET /api/v1/runs/{run_id}/media/{sha256}": "run.view",
    "GET /api/v1/runs/{run_id}/spans": "run.view",
    "GET /api/v1/runs/{run_id}/coverage": "run.view",
    "GET /api/v1/runs/{run_id}/export": "run.view",
    "GET /api/v1/projects/{slug}/memories": "memory.view",
    "POST /api/v1/projects/{slug}/memories": "memory.manage",
    "GET /api/v1/memories/{memory_id}": "memory.view",
    "PATCH /api/v1/memories/{memory_id}": "memory.manage",
    "DELETE /api/v1/memories/{memory_id}": "memory.manage",
    "POST /api/v1/memories/{memory_id}/restore": "memory.manage",
    "POST /api/v1/runs/{run_id}/ratings": "run.rate",
    "GET /api/v1/runs/{run_id}/ratings": "run.view",
    "DELETE /api/v1/ratings/{rating_id}": "run.rate",
    "GET /api/v1/projects/{slug}/examples": "example.view",
    "GET /api/v1/projects/{slug}/examples/preview": "example.view",
    "POST /api/v1/runs/{run_id}/example": "example.manage",
    "GET /api/v1/runs/{run_id}/examples": "run.view",
    "GET /api/v1/examples/{example_id}": "example.view",
    "DELETE /api/v1/examples/{example_id}": "example.manage",
    "POST /v1/chat/completions": "run.create",
    "GET /v1/models": "project.view",
    "GET /v1/models/{model}": "project.view",
}
CONSOLE: Final = [found for found in addresses() if found.module.startswith("rlmlab.console")]
# forms that would be accepted; an empty one asks for the page only
FORMS: Final[dict[str, dict[str, str]]] = {
    "projects": {"slug": "swept"},
    "members": {"email": "swept@acme.example", "role": "viewer"},
    "keys": {"label": "swept", "role": "viewer"},
}
MORE_BODIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("post", "/api/v1/projects"): {"slug": "swept"},
    ("patch", "/api/v1/memories/{memory_id}"): {"text": "y"},
}
OWN: Final = {"DELETE /api/v1/ratings/{rating_id}"}  # of one's own only; somebody else's is not found
UPWARDS: Final = list(reversed(Role))
ALLOWED: Final = {200, 201, 202, 204, 302, 409, 422, 503}


@pytest.fixture
def things(acme: Tenant) -> dict[str, Any]:
    """What the addresses are about; of what has a role itself, one with the least, which every role above may touch."""
    viewer = make_member(acme.organization, "least@acme.example", Role.VIEWER)
    with scoping.organization(acme.organization):
        membership = Membership.objects.get(user_id=viewer.actor.id)
    key = create_key(by=acme.principal, label="least", role=Role.VIEWER).key
    return things_of(acme) | {"membership_id": membership.id, "key_id": key.id}


def refusals(acme: Tenant) -> list[str]:
    with scoping.organization(acme.organization):
        found = AuditEntry.objects.filter(action="access.deny").order_by("id")
        return [entry.changes["permission"] for entry in found]


def test_every_page_and_operation_says_what_it_needs() -> None:
    assert {found.name for found in CONSOLE if "<slug:organization>" in found.route} == PAGES.keys()
    assert {str(operation) for operation in operations()} == OPERATIONS.keys()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_open_from_the_role_on_that_the_table_says(acme: Tenant, things: dict[str, Any], name: str) -> None:
    route = next(found.route for found in CONSOLE if found.name == name)
    path = reverse(name, kwargs={key: value for key, value in things.items() if f":{key}>" in route})
    for method, permission in PAGES[name].items():
        data = FORMS.get(name, {}) if method == "post" else None
        for role in UPWARDS:
            browser = browser_of(make_member(acme.organization, f"{method}-{role}@acme.example", role))
            response = getattr(browser, method)(path, data)
            if permitted(role, permission):
                assert response.status_code in ALLOWED, (method, role)
                break
            assert response.status_code == 403, (method, role)
    expected = [what for what in PAGES[name].values() for role in UPWARDS if not permitted(role, what)]
    assert refusals(acme) == expected


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_an_operation_is_open_from_the_role_on_that_the_table_says(
    acme: Tenant, things: dict[str, Any], operation: Operation
) -> None:
    permission = OPERATIONS[str(operation)]
    for role in UPWARDS:
        raw = create_key(by=acme.principal, label="sweep", role=role).raw
        response = send(Client(headers={"Authorization": f"Bearer {raw}"}), operation, things)
        if permitted(role, permission):
            assert response.status_code in (ALLOWED | {404} if str(operation) in OWN else ALLOWED), response.content
            break
        assert (response.status_code, response["Content-Type"]) == (403, operation.failure_type), role
    assert refusals(acme) == [permission for role in UPWARDS if not permitted(role, permission)]


def send(client: Client, operation: Operation, things: dict[str, Any]) -> Any:
    path = filled(operation.path, things)
    if operation.path.endswith("/files"):
        return client.post(path, {"file": SimpleUploadedFile("a.txt", b"a")})
    body = (BODIES | MORE_BODIES).get((operation.method, operation.path))
    if body is None:
        return client.generic(operation.method.upper(), path)
    return client.generic(operation.method.upper(), path, json.dumps(body), "application/json")
