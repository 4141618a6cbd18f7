"""What the web process writes about requests: an invitation's secret is not among it."""

import http.client
from urllib.parse import urlsplit

from tests.live import Web, live_web, model_server, wait_until  # noqa: F401  fixtures

SECRET = "token-that-nobody-may-read"


def test_the_access_log_has_no_secret_of_a_link(live_web: Web) -> None:  # noqa: F811  fixture
    connection = http.client.HTTPConnection(urlsplit(live_web.url).netloc, timeout=20)
    connection.request("GET", f"/invitations/{SECRET}")
    response = connection.getresponse()
    assert (response.status, response.headers["Location"]) == (302, "/invitations")
    connection.close()
    wait_until(lambda: '"GET /invitations/…" 302' in live_web.process.text(), what="the line about the link")
    assert SECRET not in live_web.process.text()
