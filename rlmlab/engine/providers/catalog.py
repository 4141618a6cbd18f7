"""Which models there are, what they cost and whether they can be called, for processes that call none."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

from rlmlab.engine.errors import MissingCredentials, UnknownModel
from rlmlab.engine.providers import credentials
from rlmlab.engine.providers.access import NOTHING_OWN, Access
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.providers.openai_style import OFFERED, OWN_SERVERS, wants_marks
from rlmlab.engine.providers.prices import (
    Entry,
    prefixed_names,
    read_own_prices,
    read_packaged_map,
    read_provider_prefixes,
    same_provider,
)

LOCAL_PREFIX = "local"
EMBEDDED_MODEL = "local/gemma-3-270m"
EMBEDDED_CONTEXT_WINDOW = 8192
EMBEDDED_MAX_OUTPUT_TOKENS = 512

PriceSource = Literal["organization", "operator", "litellm", "unknown"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Models by LiteLLM name.

    `local_url` is the operator's own server for `local/…`; without one, `local/…` is the embedded model only. `access`
    is what the organization that asks brings along. `names` are the price map's, for lists.
    """

    prices: Mapping[str, Entry] = field(repr=False)
    prefixes: frozenset[str]
    own_prices: Mapping[str, Entry]
    environ: Mapping[str, str] = field(repr=False)
    local_url: str | None = None
    access: Access = NOTHING_OWN
    names: tuple[str, ...] = field(default=(), repr=False)

    def for_access(self, access: Access) -> "Catalog":
        """Return the catalog as an organization sees it."""
        return replace(self, access=access)

    def provider_of(self, model: str) -> str:
        """Return the provider's prefix.

        An address is no name: LiteLLM takes one behind some prefixes (`huggingface/https://…`), and would call it with
        the operator's key, wherever it leads. The operator's price file may name one.

        Raises:
            UnknownModel: no such prefix, or a bare name that is in no price map.
        """
        if "://" in model and model not in self.own_prices:
            raise UnknownModel(f"Unknown model {model[:200]!r}: an address is not the name of a model.")
        prefix, slash, name = model.partition("/")
        if slash and name and (prefix in self.prefixes or prefix == LOCAL_PREFIX):
            return prefix
        entry = self.prices.get(model)
        if entry is not None and entry.provider:
            return entry.provider
        raise UnknownModel(
            f"Unknown model {model[:200]!r}: expected <provider>/<model> with a provider that LiteLLM has, "
            "or a model's bare name from its price map."
        )

    def info(self, model: str) -> ModelInfo:
        """Describe a model; unknown prices and limits are None.

        Raises:
            UnknownModel: see `provider_of`; also a local model that is not there.
        """
        provider = self.provider_of(model)
        info = self._local_info(model) if provider == LOCAL_PREFIX else self._priced_info(model, provider)
        operators = _first(self.own_prices, self._spellings(model))
        if operators is not None:
            info = replace(
                info,
                price=operators.price,
                context_window=operators.context_window or info.context_window,
                max_output_tokens=operators.max_output_tokens or info.max_output_tokens,
                tools=_has(operators, "tools", otherwise=info.tools),
                schemas=_has(operators, "schemas", otherwise=info.schemas),
                images=_has(operators, "images", otherwise=info.images),
                audio=_has(operators, "audio", otherwise=info.audio),
            )
        own = _first(self.access.prices, self._spellings(model))
        return info if own is None else replace(info, price=own)

    def price_source(self, model: str) -> PriceSource:
        """Tell whose price `info` gives.

        Raises:
            UnknownModel: see `info`.
        """
        info, spellings = self.info(model), self._spellings(model)
        if _first(self.access.prices, spellings) is not None:
            return "organization"
        if _first(self.own_prices, spellings) is not None:
            return "operator"
        return "litellm" if info.price is not None else "unknown"

    def check(self, model: str) -> ModelInfo:
        """Describe a model that is about to be called.

        Raises:
            UnknownModel: see `info`.
            MissingCredentials: neither key nor base URL of its provider is set, or the organization's cannot be read.
        """
        info = self.info(model)
        provider = self.provider_of(model)
        own = self.access.credentials.get(provider)
        if own is not None and not own.readable:
            raise MissingCredentials(
                f"The organization's key for {provider} cannot be decrypted: store it again under "
                f"{credentials.SETTINGS_PAGE}."
            )
        if own is None and not self._operator_has(provider):
            raise MissingCredentials(credentials.describe_missing(provider, offered=provider in OFFERED))
        return info

    def is_callable(self, model: str) -> bool:
        """Tell whether `check` would let a model pass."""
        try:
            self.check(model)
        except (UnknownModel, MissingCredentials):
            return False
        return True

    def canonical(self, model: str) -> str:
        """Return a model's name with its provider's prefix, where its provider has one.

        Raises:
            UnknownModel: see `provider_of`.
        """
        provider = self.provider_of(model)
        bare = not model.startswith(f"{provider}/") and provider in self.prefixes
        return f"{provider}/{model}" if bare else model

    def _operator_has(self, provider: str) -> bool:
        return provider == LOCAL_PREFIX or credentials.are_set(provider, self.environ)

    def _spellings(self, model: str) -> tuple[str, ...]:
        """Return the names that mean a model: with its provider's prefix, and bare where the price map lists that."""
        provider = self.provider_of(model)
        if not model.startswith(f"{provider}/"):
            return model, f"{provider}/{model}"
        bare = model.partition("/")[2]
        listed = self.prices.get(bare)
        return (model, bare) if listed is not None and same_provider(listed.provider, provider) else (model,)

    def _local_info(self, model: str) -> ModelInfo:
        if model == EMBEDDED_MODEL:
            return ModelInfo(model, None, EMBEDDED_CONTEXT_WINDOW, EMBEDDED_MAX_OUTPUT_TOKENS, small=True)
        if self.local_url is None:
            raise UnknownModel(f"Unknown model {model[:200]!r}: the embedded local model is {EMBEDDED_MODEL}.")
        return ModelInfo(model, None)

    def _priced_info(self, model: str, provider: str) -> ModelInfo:
        entry = self.prices.get(model)
        if entry is None:
            bare = self.prices.get(model.partition("/")[2])
            entry = bare if bare is not None and same_provider(bare.provider, provider) else None
        if entry is None:
            return ModelInfo(model, None, schemas=provider in OWN_SERVERS)
        return ModelInfo(
            model,
            entry.price,
            entry.context_window,
            entry.max_output_tokens,
            tools="tools" in entry.skills,
            schemas="schemas" in entry.skills or provider in OWN_SERVERS,
            images="images" in entry.skills,
            audio="audio" in entry.skills,
            cache_marks="caches" in entry.skills and wants_marks(provider, model),
        )


def load_catalog(
    environ: Mapping[str, str], *, own_prices: Path | None = None, local_url: str | None = None
) -> Catalog:
    """Read LiteLLM's files and the operator's; about 50 ms.

    Raises:
        BadPrices: the operator's price file is wrong.
    """
    own = read_own_prices(own_prices) if own_prices is not None else {}
    prices, prefixes = read_packaged_map(), read_provider_prefixes()
    return Catalog(prices, prefixes, own, environ, local_url, names=prefixed_names(prices, prefixes))


def _first(found: Mapping[str, T], names: tuple[str, ...]) -> T | None:
    return next((found[name] for name in names if name in found), None)


def _has(entry: Entry, skill: str, *, otherwise: bool) -> bool:
    """Tell whether a model has a skill: as the operator's file says, else as is known."""
    return skill in entry.skills or (otherwise and skill not in entry.lacks)
