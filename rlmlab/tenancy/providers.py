"""Reads about an organization's own access to providers, and its own prices."""

from dataclasses import dataclass
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings

from rlmlab import scoping
from rlmlab.engine.providers import credentials
from rlmlab.engine.providers.connections import Connections
from rlmlab.engine.providers.lean import Endpoint
from rlmlab.engine.providers.openai_style import USUAL_URLS, endpoint_of
from rlmlab.engine.providers.probe import Probe, probe
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.catalogs import catalog, credential_of
from rlmlab.tenancy.models import ModelPrice, ProviderKey
from rlmlab.tenancy.principals import Principal


@dataclass(frozen=True, slots=True)
class KeyView:
    """A provider's row as the settings page shows it; never the key."""

    key: ProviderKey
    readable: bool
    url: str

    @property
    def can_be_tried(self) -> bool:
        """Whether its models can be listed from here: where the API is OpenAI's and the key can be read."""
        return bool(self.url) and self.readable


def provider_keys_of(principal: Principal) -> list[KeyView]:
    """List the organization's own access to providers by prefix, with who set it."""
    principal.require("provider.manage")
    with scoping.organization(principal.organization):
        rows = ProviderKey.objects.for_org(principal.organization).select_related("created_by").order_by("provider")
        return [KeyView(row, credential_of(row).readable, url_of(row)) for row in rows]


def url_of(key: ProviderKey) -> str:
    """Return where an OpenAI-style provider is called with this key: its own URL, the operator's, the usual one."""
    if key.provider not in USUAL_URLS:
        return ""
    operators = credentials.base_url_of(key.provider, catalog().environ)
    return key.base_url or operators or USUAL_URLS[key.provider]


def prices_of(principal: Principal) -> list[ModelPrice]:
    """List the organization's own prices by model."""
    principal.require("provider.manage")
    with scoping.organization(principal.organization):
        return list(ModelPrice.objects.for_org(principal.organization).order_by("model"))


def try_provider_key(principal: Principal, provider_key_id: UUID) -> tuple[str, Probe]:
    """List the models of a provider with the stored key; return the provider and what came of it.

    Raises:
        NotFound: the organization has no such key.
        Invalid: this provider cannot be tried from here.
    """
    principal.require("provider.manage")
    with scoping.organization(principal.organization):
        key = ProviderKey.objects.for_org(principal.organization).filter(pk=provider_key_id).first()
    if key is None:
        raise NotFound("There is no such provider key.")
    credential, url = credential_of(key), url_of(key)
    if not url or not credential.readable:
        raise Invalid.field("provider", f"{key.provider} cannot be tried from here")
    endpoint = endpoint_of(key.provider, url, credential.api_key, guarded=bool(key.base_url))
    return key.provider, async_to_sync(_try)(endpoint)


async def _try(endpoint: Endpoint) -> Probe:
    connections = Connections(private=settings.RLMLAB.allow_private_base_urls)
    try:
        return await probe(endpoint, connections)
    finally:
        await connections.close()
