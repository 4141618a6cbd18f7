"""The models that this process can name, priced without importing the gateway library."""

import os
from functools import cache

from django.conf import settings

from rlmlab.engine.errors import BadPrices
from rlmlab.engine.providers.catalog import Catalog, load_catalog
from rlmlab.errors import Unavailable


@cache
def catalog() -> Catalog:
    """Return the catalog of models and prices, read once a process.

    Raises:
        Unavailable: the operator's price file is wrong.
    """
    env = settings.RLMLAB
    try:
        return load_catalog(os.environ, own_prices=env.model_prices, local_url=env.local_model_url)
    except BadPrices as error:
        raise Unavailable(f"The installation's model prices cannot be read: {error}") from None
