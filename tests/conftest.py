"""Fixtures of every test: the embedded servers, started once a session and stopped with it."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings

from rlmlab.embedded import postgres, valkey
from rlmlab.embedded.places import Places, places
from rlmlab.embedded.supervisor import Supervisor
from tests.database import as_owner, django_db_setup  # noqa: F401  fixtures
from tests.environment import DATA_DIR
from tests.factories.fixtures import acme, ada, bo, bolt, vera  # noqa: F401  fixtures
from tests.live import live_web, live_worker, model_server  # noqa: F401  fixtures, one server for all folders


def pytest_configure() -> None:
    """Serve static files under their own names: the hashed ones exist only where collectstatic ran."""
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


@pytest.fixture(scope="session")
def servers() -> Iterator[Places]:
    """A real PostgreSQL with its two roles and a real Valkey."""
    where = places(DATA_DIR)
    supervisor = Supervisor(print)
    try:
        supervisor.start(postgres.prepare(where), lambda: postgres.is_ready(where))
        postgres.provision(where)
        supervisor.start(valkey.prepare(where), lambda: valkey.is_ready(where))
        yield where
    finally:
        with suppress(KeyboardInterrupt):
            supervisor.stop()


@pytest.fixture
def silent_server(tmp_path: Path) -> Iterator[str]:
    """The URL of a server that takes connections and never answers, as a stopped process does."""
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(64)
        yield f"unix://{path}"
