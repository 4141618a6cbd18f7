"""Files over REST."""

import hashlib
import io
import os

from django.test import override_settings

from rlmlab import scoping
from tests.api.conftest import ApiClient
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from trajectories import blobs, contexts
from trajectories.models import File

FILES = "/api/v1/projects/demo/files"


def named(name: str, data: bytes) -> io.BytesIO:
    file = io.BytesIO(data)
    file.name = name
    return file


def test_file_is_kept_byte_for_byte(as_ada: ApiClient, acme: Tenant) -> None:
    data = os.urandom(3_000_000) + b"\x00\xff\r\n"
    answer = as_ada.post(FILES, {"file": named("größe 1.bin", data)})
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert shown["name"] == "größe 1.bin"
    assert (shown["size"], shown["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    with scoping.organization(acme.organization):
        file = File.objects.for_org(acme.organization).select_related("blob").get(id=shown["id"])
        assert b"".join(blobs.read(file.blob)) == data


def test_run_takes_files_by_id(as_ada: ApiClient, acme: Tenant) -> None:
    ids = [as_ada.post(FILES, {"file": named(name, b"x")}).json()["id"] for name in ("a", "b")]
    answer = as_ada.send("/api/v1/projects/demo/runs", {"task": "Look.", "files": ids})
    assert answer.status_code == 202
    assert answer.json()["context"] == {"kind": "files", "size": 2}


def test_empty_file_is_a_file(as_ada: ApiClient) -> None:
    assert as_ada.post(FILES, {"file": named("empty", b"")}).json()["size"] == 0


def test_missing_and_misnamed_parts_are_refused(as_ada: ApiClient) -> None:
    for body in ({}, {"upload": named("a", b"x")}):
        answer = as_ada.post(FILES, body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "file"


def test_file_of_another_organization_cannot_be_input(as_bo: ApiClient, as_ada: ApiClient, acme: Tenant) -> None:
    file_id = as_ada.post(FILES, {"file": named("a", b"secret")}).json()["id"]
    answer = as_bo.send("/api/v1/projects/demo/runs", {"task": "Look.", "files": [file_id]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "files.0"


def test_too_large_a_request_is_refused_by_its_announced_size(as_ada: ApiClient, acme: Tenant) -> None:
    from django.conf import settings

    small = settings.RLMLAB.model_copy(update={"max_request_bytes": 1000})
    with override_settings(RLMLAB=small):
        answer = as_ada.post(FILES, {"file": named("a", b"x" * 2000)})
    assert answer.status_code == 413
    assert "RLMLAB_MAX_REQUEST_BYTES allows 1,000" in answer.json()["detail"]
    with scoping.organization(acme.organization):
        assert File.objects.for_org(acme.organization).count() == 0


def test_malformed_body_is_the_clients_mistake(as_ada: ApiClient) -> None:
    for content_type, said in (
        ("multipart/form-data", "Invalid boundary"),
        ("multipart/form-data; boundary=é", "boundary"),
    ):
        answer = as_ada.post(FILES, b"xx", content_type=content_type)
        assert answer.status_code == 400, answer.content
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["errors"][0]["field"] == "body"
        assert said in answer.json()["detail"]


def test_viewer_may_not_store(as_vera: ApiClient) -> None:
    assert as_vera.post(FILES, {"file": named("a", b"x")}).status_code == 403


def test_equal_contexts_share_a_blob(acme: Tenant) -> None:
    runs = [make_run(acme.principal, acme.project, context="the same") for _ in range(2)]
    with scoping.organization(acme.organization):
        assert len({contexts.inputs_of(run)[0].blob_id for run in runs}) == 1
