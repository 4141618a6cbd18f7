"""Which environment variables let a provider be called; said without importing the gateway library.

The names are those of LiteLLM's `validate_environment` and of the providers' own documentation.
"""

from collections.abc import Mapping, Sequence

SETTINGS_PAGE = "Settings → Providers & models"

Alternatives = Sequence[Sequence[str]]
"""Any one of these sets of variables suffices."""

_AWS: Alternatives = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_PROFILE",),
    ("AWS_ROLE_ARN",),
    ("AWS_WEB_IDENTITY_TOKEN_FILE",),
    ("AWS_BEARER_TOKEN_BEDROCK",),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI",),
)
_VERTEX: Alternatives = (("VERTEXAI_PROJECT", "VERTEXAI_LOCATION"), ("GOOGLE_APPLICATION_CREDENTIALS",))
_WATSONX: Alternatives = (("WATSONX_URL", "WATSONX_APIKEY"), ("WATSONX_URL", "WATSONX_TOKEN"))

_SECRET = ("KEY", "TOKEN", "JWT", "CREDENTIALS", "BEDROCK")
"""How the names of variables end whose values must not be shown."""

SPECIAL: Mapping[str, Alternatives] = {
    "openai": (("OPENAI_API_KEY",), ("OPENAI_API_BASE",), ("OPENAI_BASE_URL",)),
    "text-completion-openai": (("OPENAI_API_KEY",), ("OPENAI_API_BASE",), ("OPENAI_BASE_URL",)),
    "anthropic": (("ANTHROPIC_API_KEY",), ("ANTHROPIC_AUTH_TOKEN",), ("ANTHROPIC_API_BASE",)),
    "azure": (("AZURE_API_BASE", "AZURE_API_KEY"), ("AZURE_API_BASE", "AZURE_AD_TOKEN")),
    "azure_ai": (("AZURE_AI_API_BASE", "AZURE_AI_API_KEY"),),
    "bedrock": _AWS,
    "bedrock_converse": _AWS,
    "sagemaker": _AWS,
    "sagemaker_chat": _AWS,
    "vertex_ai": _VERTEX,
    "vertex_ai_beta": _VERTEX,
    "watsonx": _WATSONX,
    "watsonx_text": _WATSONX,
    "gemini": (("GEMINI_API_KEY",), ("GOOGLE_API_KEY",), ("GEMINI_API_BASE",)),
    "together_ai": (("TOGETHERAI_API_KEY",), ("TOGETHER_API_KEY",), ("TOGETHER_AI_API_KEY",)),
    "perplexity": (("PERPLEXITYAI_API_KEY",), ("PERPLEXITY_API_KEY",)),
    "fireworks_ai": (
        ("FIREWORKS_AI_API_KEY",),
        ("FIREWORKS_API_KEY",),
        ("FIREWORKSAI_API_KEY",),
        ("FIREWORKS_AI_TOKEN",),
    ),
    "huggingface": (("HUGGINGFACE_API_KEY",), ("HF_TOKEN",), ("HUGGINGFACE_API_BASE",)),
    "cohere_chat": (("COHERE_API_KEY",), ("CO_API_KEY",)),
    "cohere": (("COHERE_API_KEY",), ("CO_API_KEY",)),
    "ai21_chat": (("AI21_API_KEY",),),
    "ollama": (("OLLAMA_API_BASE",),),
    "ollama_chat": (("OLLAMA_API_BASE",),),
    "hosted_vllm": (("HOSTED_VLLM_API_BASE",),),
    "lm_studio": (("LM_STUDIO_API_BASE",),),
    "llamafile": (("LLAMAFILE_API_BASE",),),
    "litellm_proxy": (("LITELLM_PROXY_API_BASE",),),
    "openai_like": (("OPENAI_LIKE_API_BASE",),),
    "databricks": (("DATABRICKS_API_BASE", "DATABRICKS_API_KEY"),),
    "cloudflare": (("CLOUDFLARE_API_KEY", "CLOUDFLARE_ACCOUNT_ID"), ("CLOUDFLARE_API_KEY", "CLOUDFLARE_API_BASE")),
    "datarobot": (("DATAROBOT_API_TOKEN",),),
    "dashscope": (("DASHSCOPE_API_KEY",),),
    "text-completion-codestral": (("CODESTRAL_API_KEY",),),
    "github_copilot": (("GITHUB_COPILOT_TOKEN_DIR",),),
    "snowflake": (("SNOWFLAKE_JWT", "SNOWFLAKE_ACCOUNT_ID"), ("SNOWFLAKE_API_KEY", "SNOWFLAKE_API_BASE")),
    "gigachat": (("GIGACHAT_CREDENTIALS",), ("GIGACHAT_API_KEY",)),
    "oci": (("OCI_REGION", "OCI_USER", "OCI_FINGERPRINT", "OCI_TENANCY", "OCI_COMPARTMENT_ID"),),
}


def alternatives_for(provider: str) -> Alternatives:
    """Return what lets the provider be called, by LiteLLM's habit `<PROVIDER>_API_KEY` or `…_API_BASE`."""
    if provider in SPECIAL:
        return SPECIAL[provider]
    stem = _stem(provider)
    return ((f"{stem}_API_KEY",), (f"{stem}_API_BASE",))


def are_set(provider: str, environ: Mapping[str, str]) -> bool:
    """Tell whether one of the provider's alternatives is set."""
    return any(all(environ.get(name) for name in names) for names in alternatives_for(provider))


def secrets_of(provider: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys and tokens that the operator has set for a provider; servers that need none may have one."""
    names = {name for alternative in alternatives_for(provider) for name in alternative if name.endswith(_SECRET)}
    names.add(f"{_stem(provider)}_API_KEY")
    return tuple(environ[name] for name in sorted(names) if environ.get(name))


def base_url_of(provider: str, environ: Mapping[str, str]) -> str:
    """Return the base URL that the operator has set for a provider, or ""."""
    stem = _stem(provider)
    names = (f"{stem}_API_BASE", f"{stem}_BASE_URL") if provider == "openai" else (f"{stem}_API_BASE",)
    return next((environ[name] for name in names if environ.get(name)), "")


def describe_missing(provider: str, *, offered: bool = False) -> str:
    """Say in a sentence what to set; with `offered` also that an organization may bring its own."""
    ways = [" and ".join(names) for names in alternatives_for(provider)]
    own = f"add a key under {SETTINGS_PAGE}, or " if offered else ""
    return f"No credentials for {provider}: {own}set {', or '.join(ways)}{' on the server' if offered else ''}."


def _stem(provider: str) -> str:
    """Return what the names of a provider's variables begin with; Ollama's two prefixes share theirs."""
    return provider.removesuffix("_chat" if provider == "ollama_chat" else "").upper().replace("-", "_")
