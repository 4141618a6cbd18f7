"""Installations with encryption keys of their own."""

import pytest
from django.conf import settings


def use_keys(patch: pytest.MonkeyPatch, *keys: str) -> None:
    """Set RLMLAB_ENCRYPTION_KEYS as it would be read at start."""
    patch.setattr(settings, "RLMLAB", settings.RLMLAB.model_copy(update={"encryption_keys": keys}))


def allow_private(patch: pytest.MonkeyPatch) -> None:
    """Set RLMLAB_ALLOW_PRIVATE_BASE_URLS as it would be read at start."""
    patch.setattr(settings, "RLMLAB", settings.RLMLAB.model_copy(update={"allow_private_base_urls": True}))
