"""Which models there are, what they cost and whether they can be called, for processes that call none."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rlmlab.engine.errors import MissingCredentials, UnknownModel
from rlmlab.engine.providers import credentials
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.providers.prices import (
    Entry,
    read_own_prices,
    read_packaged_map,
    read_provider_prefixes,
)

LOCAL_PREFIX = "local"
EMBEDDED_MODEL = "local/gemma-3-270m"
EMBEDDED_CONTEXT_WINDOW = 8192
EMBEDDED_MAX_OUTPUT_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Catalog:
    """Models by LiteLLM name.

    `local_url` is the operator's own server for `local/…`; without one, `local/…` is the embedded model only.
    """

    prices: Mapping[str, Entry]
    prefixes: frozenset[str]
    own_prices: Mapping[str, Entry]
    environ: Mapping[str, str]
    local_url: str | None = None

    def provider_of(self, model: str) -> str:
        """Return the provider's prefix.

        Raises:
            UnknownModel: no such prefix, or a bare name that is in no price map.
        """
        prefix, slash, name = model.partition("/")
        if slash and name and prefix in {LOCAL_PREFIX, *self.prefixes}:
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
        own = self.own_prices.get(model)
        if own is None:
            return info
        return replace(
            info,
            price=own.price,
            context_window=own.context_window or info.context_window,
            max_output_tokens=own.max_output_tokens or info.max_output_tokens,
        )

    def check(self, model: str) -> ModelInfo:
        """Describe a model that is about to be called.

        Raises:
            UnknownModel: see `info`.
            MissingCredentials: neither key nor base URL of its provider is set.
        """
        info = self.info(model)
        provider = self.provider_of(model)
        if provider != LOCAL_PREFIX and not credentials.are_set(provider, self.environ):
            raise MissingCredentials(credentials.describe_missing(provider))
        return info

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
            entry = bare if bare is not None and _same_provider(bare.provider, provider) else None
        if entry is None:
            return ModelInfo(model, None)
        return ModelInfo(model, entry.price, entry.context_window, entry.max_output_tokens)


def load_catalog(
    environ: Mapping[str, str], *, own_prices: Path | None = None, local_url: str | None = None
) -> Catalog:
    """Read LiteLLM's files and the operator's; about 50 ms.

    Raises:
        BadPrices: the operator's price file is wrong.
    """
    own = read_own_prices(own_prices) if own_prices is not None else {}
    return Catalog(read_packaged_map(), read_provider_prefixes(), own, environ, local_url)


def _same_provider(listed: str, prefix: str) -> bool:
    """Tell whether a map's provider is the prefix: it also says `vertex_ai-anthropic_models`, `bedrock_converse`."""
    return listed == prefix or listed.startswith((f"{prefix}-", f"{prefix}_"))
