"""The pages around signing in, in the console's own look."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.console.page import text_of
from tests.factories.tenancy import PASSWORD, Tenant

pytestmark = pytest.mark.django_db


def test_an_account_that_is_not_active_is_told_who_can_help(client: Client) -> None:
    page = text_of(client.get(reverse("account_inactive")))
    assert "This account is not active An administrator of this installation can activate it again." in page


def test_signing_out_by_address_asks_first(as_ada: Client) -> None:
    response = as_ada.get(reverse("account_logout"))
    assert "Sign out? Your runs go on." in text_of(response)
    assert b'method="post" action="/accounts/logout/"' in response.content


def test_a_wrong_password_does_not_confirm_who_it_is(as_ada: Client) -> None:
    page = reverse("account_reauthenticate")
    assert "Confirm that it is you Password" in text_of(as_ada.get(page))
    response = as_ada.post(page, {"password": "wrong"})
    assert response.status_code == 200
    assert b'aria-invalid="true"' in response.content


def test_the_right_password_confirms_and_leads_on(as_ada: Client, acme: Tenant) -> None:
    response = as_ada.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": "/components"})
    assert (response.status_code, response["Location"]) == (302, "/components")


def test_a_short_new_password_is_explained(as_ada: Client) -> None:
    page = reverse("account_change_password")
    assert "Change your password" in text_of(as_ada.get(page))
    response = as_ada.post(page, {"oldpassword": PASSWORD, "password1": "short", "password2": "short"})
    assert "This password is too short. It must contain at least 8 characters." in text_of(response)
