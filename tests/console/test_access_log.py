"""What the web process writes about requests: an invitation's secret is not among it."""

import urllib.error
import urllib.request

import pytest

from tests.live import Web, live_web, model_server, wait_until  # noqa: F401  fixtures

SECRET = "token-that-nobody-may-read"


def test_the_access_log_has_no_secret_of_a_link(live_web: Web) -> None:  # noqa: F811  fixture
    with pytest.raises(urllib.error.HTTPError, match="404"):  # the page it hands on to
        urllib.request.urlopen(f"{live_web.url}/invitations/{SECRET}", timeout=20)
    wait_until(lambda: '"GET /invitations" 404' in live_web.process.text(), what="the line about the page")
    assert '"GET /invitations/…" 302' in live_web.process.text()
    assert SECRET not in live_web.process.text()
