"""Fixtures of the deployment's tests."""

from tests.live import model_server

__all__ = ["model_server"]
