"""One's own account."""

import pytest
from django.test import Client

from rlmlab.tenancy.models import User
from tests.console.page import links_of, text_of
from tests.factories.tenancy import Tenant, make_user

pytestmark = pytest.mark.django_db

PAGE = "/account"


def test_the_page_says_who_one_is_and_where_one_belongs(as_vera: Client) -> None:
    page = as_vera.get(PAGE)
    assert "vera@acme.example" in text_of(page)
    assert "Acme Viewer" in text_of(page)
    assert {"/accounts/password/change/", "/o/acme"} <= links_of(page)


def test_a_name_is_saved_and_may_be_empty(as_ada: Client, acme: Tenant) -> None:
    assert "Your name is saved." in text_of(as_ada.post(PAGE, {"name": " Ada Lovelace "}, follow=True))
    assert User.objects.get(id=acme.user.id).name == "Ada Lovelace"
    assert 'value="Ada Lovelace"' in as_ada.get(PAGE).content.decode()
    as_ada.post(PAGE, {"name": ""})
    assert User.objects.get(id=acme.user.id).name == ""


@pytest.mark.parametrize("name", ["x" * 121, "a\x07b"])
def test_a_name_that_is_none_is_refused_at_its_field(as_ada: Client, acme: Tenant, name: str) -> None:
    response = as_ada.post(PAGE, {"name": name})
    assert response.status_code == 422
    assert response.context["form"].errors["name"]
    assert User.objects.get(id=acme.user.id).name == ""


def test_who_belongs_nowhere_is_told_what_to_do(client: Client) -> None:
    client.force_login(make_user("cy@nowhere.example"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "Ask an owner or an admin for an invitation link." in text_of(client.get(PAGE))
