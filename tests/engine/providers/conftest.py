"""Fixtures of the provider tests: the scripted model server and the packaged catalog."""

from collections.abc import Iterator

import pytest

from rlmlab.engine.providers.catalog import Catalog, load_catalog
from tests.fakes.model_server import ModelServer


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog({"OPENAI_API_KEY": "sk-ada"})
