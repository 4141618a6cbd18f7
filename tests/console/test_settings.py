"""API keys and the audit log, through their pages; what is closed to viewers."""

import re

import pytest
from django.test import Client

from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import keys_of, principal_for_key
from tests.console.page import text_of
from tests.factories.tenancy import Tenant

pytestmark = pytest.mark.django_db

KEYS = "/o/acme/settings/keys"
MEMBERS = "/o/acme/settings/members"
AUDIT = "/o/acme/settings/audit"


@pytest.mark.parametrize("path", [KEYS, MEMBERS, AUDIT])
def test_a_viewer_is_refused_and_the_refusal_is_recorded(as_vera: Client, as_ada: Client, path: str) -> None:
    response = as_vera.get(path)
    assert response.status_code == 403
    assert "does not have the permission" in text_of(response)
    assert "was refused the permission" in text_of(as_ada.get(AUDIT))


def test_a_key_is_shown_once_and_works(as_ada: Client, acme: Tenant) -> None:
    made = as_ada.post(KEYS, {"label": "laptop", "role": "viewer"})
    found = re.search(r"rlm_[a-z0-9]{8}_[\w-]{43}", made.content.decode())
    assert found is not None
    assert principal_for_key(found[0]).role == "viewer"
    assert made["Cache-Control"] == "no-store"
    again = as_ada.get(KEYS)
    assert found[0] not in again.content.decode()
    assert "laptop" in text_of(again)


def test_a_key_without_label_is_refused_at_its_field(as_ada: Client, ada: Principal) -> None:
    before = len(keys_of(ada))
    response = as_ada.post(KEYS, {"label": "", "role": "owner"})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert len(keys_of(ada)) == before


def test_a_key_may_get_a_limit_of_its_own_and_the_list_shows_it(as_ada: Client, ada: Principal) -> None:
    page = text_of(as_ada.post(KEYS, {"label": "slow", "role": "viewer", "requests_per_second": "150"}))
    assert re.search(r"slow\s+Viewer\s+150", page)
    assert re.search(r"tests\s+Owner\s+default", page)
    assert {key.label: key.requests_per_second for key in keys_of(ada)} == {"slow": 150, "tests": None}


@pytest.mark.parametrize("rate", ["0", "-1", "201", "many", "1.5"])
def test_a_limit_that_cannot_be_is_refused_at_its_field(as_ada: Client, ada: Principal, rate: str) -> None:
    response = as_ada.post(KEYS, {"label": "odd", "role": "viewer", "requests_per_second": rate})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["requests_per_second"]
    assert f'value="{rate}"' in response.content.decode()
    assert [key.label for key in keys_of(ada)] == ["tests"]


def test_what_only_the_domain_refuses_stands_at_its_field_too(as_ada: Client) -> None:
    response = as_ada.post(KEYS, {"label": "   \x00", "role": "owner"})
    assert response.status_code == 422
    assert response.context["form"].errors["label"]


def test_a_key_is_revoked(as_ada: Client, ada: Principal) -> None:
    key = keys_of(ada)[0]
    response = as_ada.post(f"{KEYS}/{key.id}/revoke", follow=True)
    assert f"The key “{key.label}” is revoked." in text_of(response)
    assert keys_of(ada)[0].revoked_at is not None


def test_another_organizations_key_cannot_be_revoked(as_bo: Client, ada: Principal, bolt: Tenant) -> None:
    key = keys_of(ada)[0]
    assert as_bo.post(f"{KEYS}/{key.id}/revoke").status_code == 404
    assert as_bo.post(f"/o/bolt/settings/keys/{key.id}/revoke").status_code == 404
    assert keys_of(ada)[0].revoked_at is None


def test_reading_revokes_nothing(as_ada: Client, ada: Principal) -> None:
    assert as_ada.get(f"{KEYS}/{keys_of(ada)[0].id}/revoke").status_code == 405


def test_the_audit_log_tells_who_did_what(as_ada: Client) -> None:
    as_ada.post(KEYS, {"label": "laptop", "role": "viewer"})
    page = text_of(as_ada.get(AUDIT))
    assert re.search(r"ada@acme\.example made the API key \w{8} “laptop” as viewer", page)


def test_the_audit_log_goes_back_page_by_page(as_ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlmlab.console.views.audit.AUDIT_PAGE", 2)
    first = as_ada.get(AUDIT)
    assert len(first.context["entries"]) == 2
    older = as_ada.get(AUDIT, {"before": str(first.context["next"])})
    shown = {entry.id for entry in first.context["entries"]}
    assert not shown & {entry.id for entry in older.context["entries"]}
    assert as_ada.get(AUDIT, {"before": "nonsense"}).status_code == 200
