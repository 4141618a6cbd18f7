"""Images and sounds of a run's input, as its page shows them."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.console.conftest import browser_of
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant
from tests.fakes.media import gif
from trajectories.actions.files import store_file

pytestmark = pytest.mark.django_db
BOTH = gif() + b"<script>alert(1)</script>"


def test_image_of_the_input_is_given_to_members_alone(acme: Tenant, bolt: Tenant) -> None:
    file = store_file(by=acme.principal, project=acme.project, name="cat.html", chunks=[BOTH])
    run = finished_run(acme.principal, acme.project, files=[file.id])
    address = f"/runs/{run.id}/media/{file.blob.sha256}"
    answer = browser_of(acme.principal).get(address)
    assert (answer.status_code, answer.content) == (200, BOTH)
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/gif", "nosniff")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert browser_of(bolt.principal).get(address).status_code == 404
    assert browser_of(acme.principal).get(reverse("run_media", args=[run.id, "0" * 64])).status_code == 404
    assert Client().get(address).status_code == 302


def test_page_may_show_what_this_server_sends_and_nothing_else(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    policy = browser_of(acme.principal).get(reverse("run", args=[run.id]))["Content-Security-Policy"]
    assert "; img-src 'self' data:; media-src 'self';" in policy
