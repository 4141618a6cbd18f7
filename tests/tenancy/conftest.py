"""The scripted model server, for the tests that try a provider."""

from tests.live import model_server  # noqa: F401  fixture
