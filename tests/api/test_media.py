"""Images and sounds of runs over REST, also when their bytes are more than one thing."""

import pytest

from tests.api.conftest import ApiClient
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant
from tests.fakes.media import gif, png, reference, wav
from trajectories.actions.files import store_file
from trajectories.models import Run

SCRIPT = b"<script>alert(1)</script>"


def run_with(tenant: Tenant, name: str, data: bytes) -> tuple[Run, str]:
    """Return a finished run with one file, and the address of its media."""
    file = store_file(by=tenant.principal, project=tenant.project, name=name, chunks=[data])
    run = finished_run(tenant.principal, tenant.project, files=[file.id])
    return run, f"/api/v1/runs/{run.id}/media/{file.blob.sha256}"


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("cat.png", png(), "image/png"),
        ("notes.html", gif() + SCRIPT, "image/gif"),
        ("größe.svg", png(tail=SCRIPT), "image/png"),
        ("hello.wav", wav(0.5), "audio/wav"),
    ],
)
def test_bytes_come_under_the_type_that_they_have(
    as_ada: ApiClient, acme: Tenant, name: str, data: bytes, media_type: str
) -> None:
    _, address = run_with(acme, name, data)
    answer = as_ada.get(address)
    assert answer.status_code == 200
    assert answer.content == data
    assert answer["Content-Type"] == media_type
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Content-Disposition"].startswith("inline; filename")
    assert answer["Cache-Control"] == "private, max-age=3600"


@pytest.mark.parametrize("data", [b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT + b"</svg>", SCRIPT, b"text"])
def test_what_is_no_media_has_no_address(as_ada: ApiClient, acme: Tenant, data: bytes) -> None:
    _, address = run_with(acme, "cat.png", data)
    answer = as_ada.get(address)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_hash_that_another_organization_or_run_has_is_not_found(
    as_ada: ApiClient, as_bo: ApiClient, acme: Tenant, bolt: Tenant
) -> None:
    _, secret = run_with(acme, "secret.png", png(7, 7))
    own, own_address = run_with(bolt, "own.png", png(5, 5))
    assert as_bo.get(secret).status_code == 404
    assert as_bo.get(f"/api/v1/runs/{own.id}/media/{reference('', '', png(7, 7)).sha256}").status_code == 404
    assert as_bo.get(own_address).status_code == 200
    assert as_ada.get(own_address).status_code == 404
    assert as_bo.get(f"/api/v1/runs/{own.id}/media/..%2F..%2Fetc").status_code == 404


def test_image_too_large_is_refused_at_its_file(as_ada: ApiClient, acme: Tenant) -> None:
    file = store_file(by=acme.principal, project=acme.project, name="wide.gif", chunks=[gif(9_000, 1)])
    answer = as_ada.send("/api/v1/projects/demo/runs", {"task": "Look.", "files": [str(file.id)]})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "files.0"
    assert error["message"].startswith('"wide.gif" is an image of 9,000 x 1 pixels')
