"""Live processes, for the tests that need them."""

from tests.live import live_web, live_worker, model_server  # noqa: F401  fixtures
