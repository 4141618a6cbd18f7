"""Providers whose API is OpenAI's, so that the lean provider can call them, and list their models.

An organization may give a base URL for these alone: only the lean provider checks the address that it connects to.
Mistral and Cohere are left out, which refuse fields of OpenAI's that we send.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from rlmlab.engine.providers import credentials
from rlmlab.engine.providers.lean import Endpoint

OPENAI_URL = "https://api.openai.com/v1"
USUAL_URLS: Mapping[str, str] = {
    "openai": OPENAI_URL,
    "openrouter": "https://openrouter.ai/api/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "groq": "https://api.groq.com/openai/v1",
    "together_ai": "https://api.together.xyz/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "deepinfra": "https://api.deepinfra.com/v1/openai",
    "cerebras": "https://api.cerebras.ai/v1",
    "xai": "https://api.x.ai/v1",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "sambanova": "https://api.sambanova.ai/v1",
    # servers that somebody runs have no usual address
    "hosted_vllm": "",
    "lm_studio": "",
    "llamafile": "",
    "litellm_proxy": "",
    "ollama": "",
    "ollama_chat": "",
    "openai_like": "",
}
"""Prefix → where its API usually stands."""

OWN_SERVERS = frozenset(provider for provider, url in USUAL_URLS.items() if not url)
"""Servers that somebody runs: vLLM, llama.cpp, Ollama and LM Studio keep any model to a schema by their grammars."""

ALWAYS_LEAN = frozenset({"openai", "openrouter"})
"""Hosted providers that are called lean with nothing but a key; the other ones where a base URL is set."""

_MARKED = frozenset({"anthropic", "azure_ai", "bedrock", "bedrock_converse", "openrouter", "vertex_ai"})

KEY_ONLY = frozenset(
    {"ai21", "anthropic", "codestral", "cohere", "cohere_chat", "dashscope", "featherless_ai", "friendliai", "gemini"}
    | {"hyperbolic", "inception", "lambda_ai", "meta_llama", "minimax", "mistral", "moonshot", "morph", "nebius"}
    | {"novita", "nscale", "perplexity", "v0", "vercel_ai_gateway", "volcengine", "wandb", "zai"}
)
"""Hosted providers that the gateway library calls with nothing but a key, at one public address of theirs.

The library has others, which call the machine they run on, an address in the model's name, or need more than a key:
those are the operator's to set up.
"""

OFFERED = KEY_ONLY | USUAL_URLS.keys()
"""Providers that an organization may bring its own access to."""


def wants_marks(provider: str, model: str) -> bool:
    """Tell whether a model's prompt cache has to be told where to end: Claude's has, whoever serves it.

    Gemini's would make a cache that is paid by the hour; all others find out themselves.
    """
    return provider in _MARKED and "claude" in model


def operators_endpoint(provider: str, environ: Mapping[str, str]) -> Endpoint | None:
    """Read an endpoint from the operator's variables; None where they do not lead to one with OpenAI's API."""
    if provider not in USUAL_URLS:
        return None
    base_url = credentials.base_url_of(provider, environ)
    if not base_url and provider in ALWAYS_LEAN:
        base_url = USUAL_URLS[provider]
    if not base_url:
        return None
    return endpoint_of(provider, base_url, next(iter(credentials.secrets_of(provider, environ)), None))


def endpoint_of(provider: str, base_url: str, api_key: str | None, *, guarded: bool = False) -> Endpoint:
    """Describe an endpoint. Only OpenAI itself has dropped `max_tokens` for `max_completion_tokens`.

    Servers that somebody runs have OpenAI's API under /v1; Ollama's address is often given without. A proxy would
    resolve the host by itself, so what is guarded goes round it.
    """
    parts = urlsplit(base_url)
    is_openai = parts.hostname == urlsplit(OPENAI_URL).hostname
    if provider in OWN_SERVERS and not parts.path.strip("/"):
        base_url = f"{base_url.rstrip('/')}/v1"
    return Endpoint(
        base_url,
        api_key,
        "max_completion_tokens" if is_openai else "max_tokens",
        provider=provider,
        guarded=guarded,
        proxy=None if guarded else proxy_for(base_url),
        takes_cache_key=is_openai,
    )


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL (HTTPS_PROXY, NO_PROXY, …)."""
    parts = urlsplit(url)
    proxies = getproxies()
    if proxy_bypass(parts.netloc):
        return None
    return proxies.get(parts.scheme) or proxies.get("all")
