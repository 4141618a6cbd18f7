"""Failures and their HTTP numbers."""

import logging

import pytest
from django.http import Http404, HttpRequest

from rlmlab.api import errors
from rlmlab.errors import DomainError, FieldError, Invalid
from tests.api.conftest import ApiClient


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2", "/api/v1/runs/not-an-id", "/api/"])
def test_unknown_address_is_a_problem_document(as_ada: ApiClient, path: str) -> None:
    answer = as_ada.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "errors"}


def test_wrong_method_is_a_problem_document(as_ada: ApiClient) -> None:
    answer = as_ada.delete("/api/v1/projects")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"GET", "POST"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "This address does not take this method."


def test_posting_to_an_unknown_address_needs_no_token_to_be_told_so() -> None:
    answer = ApiClient(enforce_csrf_checks=True).post("/api/v1/runs/not-an-id/cancel")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_body_of_another_type_is_refused(as_ada: ApiClient, content_type: str) -> None:
    answer = as_ada.post("/api/v1/projects", b'{"slug": "a", "name": "A"}', content_type=content_type)
    assert (answer.status_code, answer.headers["Content-Type"]) == (415, "application/problem+json")
    assert answer.json()["detail"] == f"Send the body as application/json, not as {content_type}."


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/merge-patch+json", ""])
def test_body_that_may_be_json_is_read(as_ada: ApiClient, content_type: str) -> None:
    answer = as_ada.post("/api/v1/projects", b'{"slug": "a", "name": "A"}', content_type=content_type)
    assert answer.status_code == 201


def test_every_domain_error_has_a_number() -> None:
    numbers = {kind.__name__: errors.status_of(kind("x")).value for kind in DomainError.__subclasses__()}
    assert numbers == {
        "Invalid": 422, "NotFound": 404, "NotAllowed": 403, "NotAuthenticated": 401, "Conflict": 409,
        "TooLarge": 413, "UnsupportedMedia": 415, "QuotaExceeded": 429, "TooManyRequests": 429, "Unavailable": 503,
    }  # fmt: skip


def test_subclass_has_its_bases_number() -> None:
    class Odd(Invalid):
        pass

    answer = errors.on_domain_error(HttpRequest(), Odd("odd", errors=(FieldError("a.b", "is odd"),)))
    assert answer.status_code == 422
    assert b'"errors": [{"field": "a.b", "message": "is odd"}]' in answer.content


def test_bug_says_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = errors.on_bug(HttpRequest(), RuntimeError("secret"))
    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert "secret" in caplog.text


def test_what_django_raises_is_a_problem_too() -> None:
    assert errors.on_not_found(HttpRequest(), Http404()).status_code == 404
