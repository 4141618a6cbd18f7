"""Prices and limits of models: LiteLLM's packaged map, read as a file, and the operator's own.

litellm itself takes seconds and 170 MB to import; the web process validates models and must not.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveInt, RootModel, ValidationError

from rlmlab.engine.errors import BadPrices
from rlmlab.engine.providers.base import Price

_MILLION = 1_000_000


_SKILLS = {
    "supports_function_calling": "tools",
    "supports_response_schema": "schemas",
    "supports_vision": "images",
    "supports_audio_input": "audio",
    "supports_prompt_caching": "caches",
}
"""What LiteLLM's map calls the things that a model can do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a map says of a model; None where it says nothing. `provider` is "" in the operator's file.

    `chats` is false for models that make pictures, embeddings and the like. `lacks`: what the operator says it has not.
    """

    provider: str
    price: Price | None
    context_window: int | None
    max_output_tokens: int | None
    chats: bool = True
    skills: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()


class OwnPrice(BaseModel):
    """One model of the operator's price file; USD for a million tokens, as price lists state them."""

    model_config = ConfigDict(extra="forbid")

    input_usd_per_million: NonNegativeFloat
    output_usd_per_million: NonNegativeFloat
    cached_input_usd_per_million: NonNegativeFloat | None = None
    cache_write_usd_per_million: NonNegativeFloat | None = None
    context_window: PositiveInt | None = None
    max_output_tokens: PositiveInt | None = None
    tools: bool | None = None
    schemas: bool | None = None
    images: bool | None = None
    audio: bool | None = None

    def entry(self) -> Entry:
        """Convert to USD a token."""
        price = Price(
            input_usd=self.input_usd_per_million / _MILLION,
            output_usd=self.output_usd_per_million / _MILLION,
            cached_input_usd=_per_token(self.cached_input_usd_per_million),
            cache_write_usd=_per_token(self.cache_write_usd_per_million),
        )
        told: dict[str, bool | None] = {
            "tools": self.tools,
            "schemas": self.schemas,
            "images": self.images,
            "audio": self.audio,
        }
        return Entry(
            "",
            price,
            self.context_window,
            self.max_output_tokens,
            skills=frozenset(skill for skill, has in told.items() if has),
            lacks=frozenset(skill for skill, has in told.items() if has is False),
        )


class OwnPrices(RootModel[dict[str, OwnPrice]]):
    """The operator's price file: model name → price."""


def read_own_prices(path: Path) -> dict[str, Entry]:
    """Read the operator's file, JSON such as `{"openai/my-model": {"input_usd_per_million": 1, …}}`.

    Raises:
        BadPrices: it is missing or wrong; the message says where.
    """
    try:
        prices = OwnPrices.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadPrices(f"RLMLAB_MODEL_PRICES: {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise BadPrices(f"RLMLAB_MODEL_PRICES: {path}: {where}: {first['msg']}") from error
    return {name: price.entry() for name, price in prices.root.items()}


def read_packaged_map() -> dict[str, Entry]:
    """Read LiteLLM's packaged price map; only what we use is kept (the whole map takes 25 MB)."""
    document = json.loads((_package() / "model_prices_and_context_window_backup.json").read_bytes())
    return {name: _entry(data) for name, data in document.items() if name != "sample_spec"}


def read_provider_prefixes() -> frozenset[str]:
    """Read LiteLLM's provider names from the source of its `LlmProviders` enumeration."""
    source = (_package() / "types" / "utils.py").read_text("utf-8")
    body = re.search(r"^class LlmProviders\(.*?(?=^\S)", source, re.MULTILINE | re.DOTALL)
    names = re.findall(r'^    [A-Z0-9_]+ = "([^"]+)"', body[0] if body else "", re.MULTILINE)
    return frozenset(names)


def same_provider(listed: str, prefix: str) -> bool:
    """Tell whether a map's provider is the prefix: it also says `vertex_ai-anthropic_models`, `bedrock_converse`."""
    return listed == prefix or listed.startswith((f"{prefix}-", f"{prefix}_"))


def prefixed_names(prices: Mapping[str, Entry], prefixes: frozenset[str]) -> tuple[str, ...]:
    """Name the models that chat as they are called: with the prefix of their provider, where it has one."""
    prefix_of = {name: _prefix(name, prefixes) for name in {entry.provider for entry in prices.values()}}
    names = set()
    for name, entry in prices.items():
        prefix = prefix_of[entry.provider]
        if entry.chats and prefix:
            names.add(name if name.startswith(f"{prefix}/") else f"{prefix}/{name}")
    return tuple(sorted(names))


def _prefix(listed: str, prefixes: frozenset[str]) -> str:
    if listed in prefixes:
        return listed
    return max((prefix for prefix in prefixes if same_provider(listed, prefix)), key=len, default="")


def _package() -> Path:
    spec = find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        raise BadPrices("litellm is not installed: its price map is missing")
    return Path(spec.submodule_search_locations[0])


def _entry(data: Mapping[str, Any]) -> Entry:
    return Entry(
        provider=str(data.get("litellm_provider", "")),
        price=_price(data),
        context_window=_whole(data.get("max_input_tokens") or data.get("max_tokens")),
        max_output_tokens=_whole(data.get("max_output_tokens")),
        chats=data.get("mode", "chat") in {"chat", "completion", "responses"},
        skills=frozenset(skill for name, skill in _SKILLS.items() if data.get(name) is True),
    )


def _price(data: Mapping[str, Any]) -> Price | None:
    input_usd, output_usd = data.get("input_cost_per_token"), data.get("output_cost_per_token")
    if input_usd is None or output_usd is None:
        return None
    cached, written = data.get("cache_read_input_token_cost"), data.get("cache_creation_input_token_cost")
    return Price(
        float(input_usd),
        float(output_usd),
        None if cached is None else float(cached),
        float(written) if written else None,  # 0 means that writing is not priced by itself, as with DeepSeek
    )


def _per_token(per_million: float | None) -> float | None:
    return None if per_million is None else per_million / _MILLION


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None
