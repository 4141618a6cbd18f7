"""A real browser against real processes: web, worker, PostgreSQL, Valkey; only the model is scripted.

Every page of a test must stay free of script errors, failed requests to other hosts and policy violations.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.live import Process, Web, web, worker
from trajectories import environments

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
WAIT_MS = 15_000
expect.set_options(timeout=WAIT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="session")
def console(django_db_setup: None, model_server: ModelServer) -> Iterator[Web]:
    """The web process with its static files collected, as in an installation."""
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    with web() as process:
        yield process


@pytest.fixture(scope="session")
def console_worker(django_db_setup: None, model_server: ModelServer) -> Iterator[Process]:
    """One worker for all browser tests."""
    with worker() as process:
        yield process


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is needed for the browser tests. On Debian: apt install chromium")
        pytest.skip("there is no Chromium on this machine; on Debian: apt install chromium")
    # Playwright's loop runs in this thread; the database is used between its calls, never within one, and what
    # would start a loop of its own (the look whether the environment holds) is done before.
    environments.resolve("auto")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Visitor:
    """A browser profile, and what went wrong in it."""

    context: BrowserContext
    url: str
    problems: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def open(self, path: str) -> Page:
        """Open a new tab."""
        page = self.context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._requested)
        page.goto(self.url + path)
        return page

    def expects(self, *parts: str) -> None:
        """Let console errors pass that contain one of these: the browser logs every answer of 4xx."""
        self.expected += parts

    def unexpected(self) -> list[str]:
        """What nobody expected."""
        return [problem for problem in self.problems if not any(part in problem for part in self.expected)]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.problems.append(message.text)

    def _requested(self, request: Request) -> None:
        own = (self.url, self.url.replace("http:", "ws:"), "data:", "blob:")
        if not request.url.startswith(own):
            self.problems.append(f"request to {request.url}")


@pytest.fixture
def visit(chromium: Browser, console: Web) -> Iterator[Callable[..., Visitor]]:
    """Make visitors; `user` is signed in from the start, without one nobody is."""
    visitors: list[Visitor] = []

    def make(tenant: Tenant | None = None, **options: object) -> Visitor:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        if tenant is not None:
            client = Client()
            client.force_login(tenant.user, backend=BACKEND)
            value = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": console.url}])
        visitors.append(Visitor(context, console.url))
        return visitors[-1]

    yield make
    problems = [problem for visitor in visitors for problem in visitor.unexpected()]
    for visitor in visitors:
        visitor.context.close()
    assert problems == []


@pytest.fixture
def ada_browser(visit: Callable[..., Visitor], acme: Tenant) -> Visitor:
    """Ada, signed in."""
    return visit(acme)
