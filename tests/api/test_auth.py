"""Who is let in: keys, sessions with CSRF and organization, nobody."""

import pytest
from django.test import Client

from rlmlab.tenancy.actions.keys import create_key, revoke_key
from rlmlab.tenancy.principals import system_principal
from tests.api.conftest import ApiClient
from tests.factories.tenancy import Tenant

PROJECTS = "/api/v1/projects"


def signed_in(tenant: Tenant, *, csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(tenant.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_is_asked_to_sign_in(nobody: ApiClient, method: str) -> None:
    answer = getattr(nobody, method)(PROJECTS)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 401


@pytest.mark.parametrize("value", ["Bearer nonsense", "Bearer rlm_aaaaaaaa_" + "b" * 43, "Bearer ", "Basic YTpi"])
def test_wrong_credentials_are_refused(nobody: ApiClient, value: str) -> None:
    assert nobody.get(PROJECTS, headers={"Authorization": value}).status_code == 401


def test_revoked_key_is_refused(acme: Tenant) -> None:
    made = create_key(by=system_principal(acme.organization), label="old")
    client = ApiClient(made.raw)
    assert client.get(PROJECTS).status_code == 200
    revoke_key(by=acme.principal, key_id=made.key.id)
    assert client.get(PROJECTS).status_code == 401


def test_wrong_key_is_not_saved_by_a_session(acme: Tenant) -> None:
    headers = {"Authorization": "Bearer nonsense", "X-Organization": "acme"}
    assert signed_in(acme).get(PROJECTS, headers=headers).status_code == 401


def test_session_names_its_organization(acme: Tenant, bolt: Tenant) -> None:
    client = signed_in(acme)
    answer = client.get(PROJECTS, headers={"X-Organization": "acme"})
    assert [item["id"] for item in answer.json()["items"]] == [str(acme.project.id)]
    missing = client.get(PROJECTS)
    assert missing.status_code == 422
    assert missing.json()["errors"][0]["field"] == "X-Organization"
    for slug in ("bolt", "nothing"):
        assert client.get(PROJECTS, headers={"X-Organization": slug}).status_code == 404


def test_session_needs_the_csrf_token_to_write(acme: Tenant) -> None:
    client = signed_in(acme, csrf=True)
    headers = {"X-Organization": "acme"}
    assert client.get(PROJECTS, headers=headers).status_code == 200
    refused = client.post(PROJECTS, {"slug": "x"}, content_type="application/json", headers=headers)
    assert refused.status_code == 403
    assert "X-CSRFToken" in refused.json()["detail"]
    client.get("/accounts/login/")
    token = "a" * 32
    client.cookies["csrftoken"] = token
    made = client.post(
        PROJECTS, {"slug": "x"}, content_type="application/json", headers=headers | {"X-CSRFToken": token}
    )
    assert made.status_code == 201


def test_key_needs_no_csrf_token(acme: Tenant) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {acme.key}"})
    assert client.post(PROJECTS, {"slug": "x"}, content_type="application/json").status_code == 201
