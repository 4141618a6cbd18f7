"""Error pages and the headers that every page carries."""

import pytest
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from rlmlab.console import middleware
from rlmlab.console.views import errors
from tests.console.page import text_of

pytestmark = pytest.mark.django_db


def test_what_does_not_exist_has_a_page_for_people(client: Client) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert "There is nothing here" in text_of(response)


@pytest.mark.parametrize(
    ("response", "code", "said"),
    [
        (errors.bad_request(HttpRequest(), BadRequest()), 400, "This request could not be read"),
        (errors.denied(HttpRequest(), PermissionError("You lack x.")), 403, "You lack x."),
        (errors.failed(HttpRequest()), 500, "Your runs are not affected"),
        (errors.csrf_failed(HttpRequest()), 403, "reload the page and try again"),
    ],
)
def test_each_failure_has_its_page(response: HttpResponse, code: int, said: str) -> None:
    assert response.status_code == code
    assert said in text_of(response)


def test_an_old_form_is_refused_with_a_page() -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a@b.example", "password": "x"})
    assert response.status_code == 403
    assert "too old or came from elsewhere" in text_of(response)


def test_pages_carry_a_strict_policy_with_a_new_nonce_each(client: Client) -> None:
    first, second = (client.get("/accounts/login/")["Content-Security-Policy"] for _ in range(2))
    assert first != second
    assert "default-src 'none'" in first
    assert "frame-ancestors 'none'" in first
    assert "unsafe" not in first


def test_only_the_admin_panel_may_evaluate() -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.csp_nonce)  # type: ignore[attr-defined]

    secured = middleware.ContentSecurityPolicy(answer)
    policy = secured(RequestFactory().get("/admin/"))["Content-Security-Policy"]
    assert "'unsafe-eval'" in policy
    assert "style-src 'self' 'unsafe-inline'" in policy
    page = secured(RequestFactory().get("/adminx"))
    assert f"'nonce-{page.content.decode()}'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]


def test_a_view_may_set_its_own_policy() -> None:
    secured = middleware.ContentSecurityPolicy(lambda _: HttpResponse(headers={"Content-Security-Policy": "sandbox"}))
    assert secured(RequestFactory().get("/"))["Content-Security-Policy"] == "sandbox"


def test_the_gallery_shows_every_status(as_ada: Client) -> None:
    page = text_of(as_ada.get("/components"))
    for word in ("Queued", "Running", "Paused", "Succeeded", "Failed", "Cancelled"):
        assert word in page
