"""Setting and removing an organization's own access to model providers."""

from typing import Final
from uuid import UUID

from django.conf import settings

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.engine.providers import guard
from rlmlab.engine.providers.openai_style import OFFERED, USUAL_URLS
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.catalogs import catalog
from rlmlab.tenancy.encryption import encrypt
from rlmlab.tenancy.models import Organization, ProviderKey
from rlmlab.tenancy.principals import Principal

KEY_CHARACTERS: Final = 1000
HINT_CHARACTERS: Final = 4
PROVIDER_CHARACTERS: Final = 60


def set_provider_key(*, by: Principal, provider: str, api_key: str = "", base_url: str = "") -> ProviderKey:
    """Store a key, a base URL or both for a provider, in the place of what is stored for it.

    What is not given is not kept: who changes the URL must know the key, or could have it sent wherever they like.

    Raises:
        Invalid: no such provider, or not one that takes this; a key that can be none; a URL that must not be called.
    """
    by.require("provider.manage")
    provider, api_key, base_url = _clean_provider(provider.strip()), _clean_key(api_key.strip()), base_url.strip()
    _check_together(provider, api_key, base_url)
    if base_url:
        _check_url(base_url)
    key = ProviderKey(
        organization=by.organization,
        provider=provider,
        base_url=base_url,
        secret=encrypt(api_key) if api_key else "",
        hint=hint_of(api_key),
        created_by_id=by.actor.id if by.actor.kind == "user" else None,
    )
    with scoping.organization(by.organization):
        # one change at a time, so that the entry tells what was there before
        Organization.objects.select_for_update().get(pk=by.organization_id)
        before = ProviderKey.objects.for_org(by.organization).filter(provider=provider).first()
        if before is not None:
            before.delete()
        key.save(force_insert=True)
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="provider.set_key",
            object_type="provider_key",
            object_id=key.id,
            changes={
                "provider": provider,
                "key": {"from": _shown(before), "to": _shown(key)},
                "base_url": {"from": before.base_url if before else "", "to": base_url},
            },
        )
    return key


def remove_provider_key(*, by: Principal, provider_key_id: UUID) -> ProviderKey:
    """Forget an organization's access to a provider; runs that wait will find none.

    Raises:
        NotFound: the organization has no such key.
    """
    by.require("provider.manage")
    with scoping.organization(by.organization):
        key = ProviderKey.objects.for_org(by.organization).select_for_update().filter(pk=provider_key_id).first()
        if key is None:
            raise NotFound("There is no such provider key.")
        ProviderKey.objects.for_org(by.organization).filter(pk=key.pk).delete()
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="provider.remove_key",
            object_type="provider_key",
            object_id=key.id,
            changes={
                "provider": key.provider,
                "key": {"from": _shown(key), "to": ""},
                "base_url": {"from": key.base_url, "to": ""},
            },
        )
    return key


def hint_of(api_key: str) -> str:
    """Return a key's last four characters; fewer of a short one, at most a quarter of it."""
    shown = min(HINT_CHARACTERS, len(api_key) // HINT_CHARACTERS)
    return api_key[-shown:] if shown else ""


def _shown(key: ProviderKey | None) -> str:
    return f"…{key.hint}" if key is not None and key.secret else ""


def _clean_provider(provider: str) -> str:
    if provider in OFFERED:
        return provider
    if provider in catalog().prefixes:
        raise Invalid.field("provider", f'"{provider}" needs more than a key; the operator sets it up on the server')
    shown = provider[:PROVIDER_CHARACTERS]
    raise Invalid.field("provider", f'"{shown}" is not a provider that LiteLLM has, such as openai or anthropic')


def _clean_key(api_key: str) -> str:
    if len(api_key) > KEY_CHARACTERS:
        raise Invalid.field("api_key", f"has {len(api_key):,} characters; {KEY_CHARACTERS:,} are allowed")
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise Invalid.field("api_key", "must be a key as the provider shows it: printable ASCII without spaces")
    return api_key


def _check_together(provider: str, api_key: str, base_url: str) -> None:
    if base_url and provider not in USUAL_URLS:
        raise Invalid.field("base_url", f"{provider} takes a key only: its API is not OpenAI's")
    if not base_url and not USUAL_URLS.get(provider, "its own"):
        raise Invalid.field("base_url", f"must be given: {provider} is a server that somebody runs")
    if not base_url and not api_key:
        raise Invalid.field("api_key", "must not be empty")


def _check_url(base_url: str) -> None:
    try:
        guard.check_url(base_url, private=settings.RLMLAB.allow_private_base_urls)
    except guard.BadUrl as error:
        hint = "; the operator may allow it by RLMLAB_ALLOW_PRIVATE_BASE_URLS" if error.private else ""
        raise Invalid.field("base_url", f"{error}{hint}") from None
