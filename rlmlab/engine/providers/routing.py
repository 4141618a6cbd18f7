"""The provider of a worker: each model goes to the lean provider where it can, else to the gateway."""

from collections.abc import AsyncGenerator, Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from rlmlab.engine.providers.base import ChatRequest, ModelInfo
from rlmlab.engine.providers.catalog import LOCAL_PREFIX, Catalog, load_catalog
from rlmlab.engine.providers.gateway import GatewayProvider
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, fixed
from rlmlab.engine.providers.local import LocalServer, locate_local
from rlmlab.engine.providers.retries import Item, RetryPolicy
from rlmlab.env import Environment
from rlmlab.modelserver.launcher import Launcher

OPENAI_URL = "https://api.openai.com/v1"
LOCAL_CONCURRENT = 4


def openai_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """Read OpenAI's own variables. Only OpenAI itself has dropped `max_tokens` for `max_completion_tokens`."""
    url = environ.get("OPENAI_API_BASE") or environ.get("OPENAI_BASE_URL") or OPENAI_URL
    is_openai = urlsplit(url).hostname == urlsplit(OPENAI_URL).hostname
    key = environ.get("OPENAI_API_KEY") or None
    return Endpoint(url, key, "max_completion_tokens" if is_openai else "max_tokens")


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL (HTTPS_PROXY, NO_PROXY, …)."""
    parts = urlsplit(url)
    proxies = getproxies()
    if proxy_bypass(parts.netloc):
        return None
    return proxies.get(parts.scheme) or proxies.get("all")


class RoutingProvider:
    """Sends each call to the provider that answers for its model."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        openai: LeanProvider,
        local: LeanProvider,
        gateway: GatewayProvider,
        server: LocalServer | None = None,
    ) -> None:
        self._catalog = catalog
        self._openai = openai
        self._local = local
        self._gateway = gateway
        self._server = server

    def info(self, model: str) -> ModelInfo:
        """Describe a model.

        Raises:
            UnknownModel: the prefix or bare name is not known.
        """
        return self._catalog.info(model)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Item, None]:
        """Make a call; see `Provider.stream`.

        Raises:
            UnknownModel: as `info`.
            MissingCredentials: neither key nor base URL of its provider is set.
        """
        self._catalog.check(request.model)
        return self._provider_of(request.model).stream(request)

    async def warm(self) -> None:
        """Import the gateway library in the background, so that the first call through it is not slow."""
        await self._gateway.warm()

    async def close(self) -> None:
        """Close connections and the local server, if this process started it."""
        for provider in (self._openai, self._local, self._gateway):
            await provider.close()
        if self._server is not None:
            await self._server.close()

    def _provider_of(self, model: str) -> LeanProvider | GatewayProvider:
        prefix = self._catalog.provider_of(model)
        if prefix == LOCAL_PREFIX:
            return self._local
        return self._openai if prefix == "openai" else self._gateway


def catalog_for(settings: Environment, environ: Mapping[str, str]) -> Catalog:
    """Load the catalog of an installation; what the web process validates models with.

    Raises:
        BadPrices: the file that RLMLAB_MODEL_PRICES names is wrong.
    """
    return load_catalog(environ, own_prices=settings.model_prices, local_url=settings.local_model_url)


def build_provider(
    settings: Environment, environ: Mapping[str, str], *, policy: RetryPolicy | None = None
) -> RoutingProvider:
    """Build a worker's provider; nothing is started, imported or connected before the first call.

    Raises:
        BadPrices: the file that RLMLAB_MODEL_PRICES names is wrong.
    """
    catalog = catalog_for(settings, environ)
    openai = openai_endpoint(environ)
    url = settings.local_model_url
    server = launcher_for(settings) if url is None else None
    locate = locate_local(server) if server is not None else fixed(Endpoint(url or ""))
    return RoutingProvider(
        catalog,
        openai=LeanProvider(fixed(openai), catalog.info, policy=policy, proxy=proxy_for(openai.base_url)),
        local=LeanProvider(locate, catalog.info, policy=policy, most_concurrent=LOCAL_CONCURRENT),
        gateway=GatewayProvider(catalog, policy=policy),
        server=server,
    )


def launcher_for(settings: Environment) -> Launcher:
    """Build the launcher of the embedded local model."""
    return Launcher(
        settings.data_dir,
        threads=settings.local_model_threads,
        idle_seconds=settings.local_model_idle_seconds,
    )
