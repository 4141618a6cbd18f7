"""The models that this process can name, as each organization sees them, without importing the gateway library."""

import os
from decimal import Decimal
from functools import cache
from uuid import UUID

from django.conf import settings

from rlmlab import scoping
from rlmlab.engine.errors import BadPrices
from rlmlab.engine.providers.access import Access, Credential
from rlmlab.engine.providers.base import Price
from rlmlab.engine.providers.catalog import Catalog, load_catalog
from rlmlab.errors import Unavailable
from rlmlab.tenancy.encryption import Undecryptable, decrypt
from rlmlab.tenancy.models import ModelPrice, Organization, ProviderKey

_MILLION = 1_000_000


@cache
def catalog() -> Catalog:
    """Return the catalog of models and prices with the operator's credentials, read once a process.

    Raises:
        Unavailable: the operator's price file is wrong.
    """
    env = settings.RLMLAB
    try:
        return load_catalog(os.environ, own_prices=env.model_prices, local_url=env.local_model_url)
    except BadPrices as error:
        raise Unavailable(f"The installation's model prices cannot be read: {error}") from None


def catalog_of(organization: Organization | UUID) -> Catalog:
    """Return the catalog as an organization sees it, with its own keys and prices.

    Raises:
        Unavailable: the operator's price file is wrong.
    """
    return catalog().for_access(load_access(organization))


def load_access(organization: Organization | UUID) -> Access:
    """Read an organization's own keys, decrypted, and its prices."""
    with scoping.organization(organization):
        keys = list(ProviderKey.objects.for_org(organization))
        prices = list(ModelPrice.objects.for_org(organization))
    return Access({key.provider: credential_of(key) for key in keys}, {row.model: price_of(row) for row in prices})


def credential_of(key: ProviderKey) -> Credential:
    """Return what a stored key lets us do; one that cannot be decrypted says so."""
    try:
        return Credential(decrypt(key.secret) if key.secret else None, key.base_url)
    except Undecryptable:
        return Credential(base_url=key.base_url, readable=False)


def price_of(row: ModelPrice) -> Price:
    """Return a stored price in USD a token."""
    return Price(
        float(row.input_usd / _MILLION),
        float(row.output_usd / _MILLION),
        _per_token(row.cached_input_usd),
        _per_token(row.cache_write_usd),
    )


def _per_token(per_million: Decimal | None) -> float | None:
    return None if per_million is None else float(per_million / _MILLION)
