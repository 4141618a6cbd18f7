"""Reads what providers report of a call's tokens, in all the forms they do it, into buckets that add up.

* OpenAI, and what speaks as it: `prompt_tokens` and `completion_tokens` are whole; their details name parts of them.
* OpenRouter adds `cache_write_tokens` to the details, DeepSeek puts `prompt_cache_hit_tokens` beside them.
* LiteLLM makes OpenAI's form of Anthropic's, and leaves `cache_read_input_tokens` and `cache_creation_input_tokens`
  beside it: the same tokens a second time.
* Anthropic itself counts the prompt without what it read from its cache or wrote to it.
* xAI and Gemini count no reasoning in `completion_tokens`, but in `total_tokens`.
"""

from collections.abc import Mapping
from typing import Any

from rlmlab.engine.providers.base import TokenUsage

MOST_TOKENS = 10**9  # of one call; beyond any model's window


def read_usage(usage: Mapping[str, Any]) -> TokenUsage | None:
    """Read a usage object; details may be missing or null. None where it counts nothing that can be true."""
    prompt = _details(usage, "prompt_tokens_details", "input_tokens_details")
    output = _details(usage, "completion_tokens_details", "output_tokens_details")
    counts = _Counts()
    whole_input = counts.read(usage, "prompt_tokens", "input_tokens")
    whole_output = counts.read(usage, "completion_tokens", "output_tokens") or 0
    total = counts.read(usage, "total_tokens")
    cached = max(
        counts.read(prompt, "cached_tokens") or 0,
        counts.read(usage, "cache_read_input_tokens", "prompt_cache_hit_tokens") or 0,
    )
    written = max(
        counts.read(prompt, "cache_write_tokens", "cache_creation_tokens") or 0,
        counts.read(usage, "cache_creation_input_tokens") or 0,
    )
    reasoning = counts.read(output, "reasoning_tokens") or 0
    if whole_input is None or counts.wrong:
        return None
    if _is_apart(whole_input, whole_output, total, cached + written):
        whole_input += cached + written
    if total is not None:
        whole_output = max(whole_output, total - whole_input)
    return _disjoint(whole_input, whole_output, cached, written, reasoning)


def _disjoint(whole_input: int, whole_output: int, cached: int, written: int, reasoning: int) -> TokenUsage:
    """Keep parts within their whole, whatever was reported."""
    cached = min(cached, whole_input)
    return TokenUsage(
        input_tokens=whole_input,
        output_tokens=whole_output,
        cached_tokens=cached,
        cache_write_tokens=min(written, whole_input - cached),
        reasoning_tokens=min(reasoning, whole_output),
    )


def _is_apart(whole_input: int, whole_output: int, total: int | None, of_cache: int) -> bool:
    """Tell whether the cache's tokens stand beside the prompt's, as with Anthropic, and not among them."""
    return of_cache > whole_input or (of_cache > 0 and total == whole_input + whole_output + of_cache)


def _details(usage: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found: Any = next((usage[name] for name in names if usage.get(name)), {})
    return found if isinstance(found, Mapping) else {}


class _Counts:
    """Reads counts and remembers whether one of them was nonsense."""

    def __init__(self) -> None:
        self.wrong = False

    def read(self, document: Mapping[str, Any], *names: str) -> int | None:
        """Return the first of the names that is there; None where none is."""
        count: Any = next((document[name] for name in names if document.get(name) is not None), None)
        if count is None:
            return None
        if isinstance(count, int | float) and 0 <= count <= MOST_TOKENS:
            return int(count)
        self.wrong = True
        return None
