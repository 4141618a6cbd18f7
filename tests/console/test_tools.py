"""Tools in the console: what a project allows, and what the form of a new run offers."""

import re

import pytest
from django.test import Client

from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from tests.console.page import text_of

pytestmark = pytest.mark.django_db
PAGE = "/o/acme/p/demo/settings"
LAUNCH = "/o/acme/p/demo/runs/new"
SETTINGS = {"name": "Demo", "default_environment": "auto"}


def test_hosts_are_allowed_one_a_line(as_ada: Client, ada: Principal) -> None:
    answer = as_ada.post(PAGE, SETTINGS | {"allowed_hosts": "api.example.com\r\n\r\n *.Docs.example \r\n"}, follow=True)
    assert project_by_slug(ada, "demo").allowed_hosts == ["api.example.com", "*.docs.example"]
    assert re.search(r"<textarea[^>]*>api\.example\.com\n\*\.docs\.example</textarea>", answer.content.decode())


def test_wrong_host_is_named_by_its_line(as_ada: Client, ada: Principal) -> None:
    answer = as_ada.post(PAGE, SETTINGS | {"allowed_hosts": "a.example\nlocalhost"})
    assert answer.status_code == 422
    assert "Line 2: “localhost”" in text_of(answer).replace('"localhost"', "“localhost”")
    assert project_by_slug(ada, "demo").allowed_hosts == []


def test_launch_form_offers_each_tool_in_a_line_and_says_why_one_is_off(as_ada: Client) -> None:
    page = as_ada.get(LAUNCH)
    html = page.content.decode()
    boxes = re.findall(r'<input type="checkbox" name="tools\.(\w+)"([^>]*)>', html)
    assert [name for name, _ in boxes] == ["list_files", "read_file", "grep", "slice_context", "http_fetch"]
    assert ["disabled" in rest for _, rest in boxes] == [False, False, False, False, True]
    assert "Off: this project allows no hosts" in text_of(page)
    assert "List the run's files as dicts" in text_of(page)
    as_ada.post(PAGE, SETTINGS | {"allowed_hosts": "api.example.com"})
    assert 'disabled aria-describedby="tool-http_fetch"' not in as_ada.get(LAUNCH).content.decode()
