"""The models that this process can name, priced without importing the gateway library."""

import os
from functools import cache

from django.conf import settings

from rlmlab.engine.providers.catalog import Catalog, load_catalog


@cache
def catalog() -> Catalog:
    """Return the catalog of models and prices, read once a process."""
    env = settings.RLMLAB
    return load_catalog(os.environ, own_prices=env.model_prices, local_url=env.local_model_url)
