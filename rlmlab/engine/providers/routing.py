"""The provider of a worker: each model goes to the lean provider where it can, else to the gateway."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from weakref import WeakValueDictionary

from rlmlab.engine.providers.access import NOTHING_OWN, Access, Credential
from rlmlab.engine.providers.base import ChatRequest, ModelInfo, Provider
from rlmlab.engine.providers.catalog import LOCAL_PREFIX, Catalog, load_catalog
from rlmlab.engine.providers.connections import Connections
from rlmlab.engine.providers.gateway import GatewayProvider
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, Locate, fixed
from rlmlab.engine.providers.local import LocalServer, locate_local
from rlmlab.engine.providers.openai_style import USUAL_URLS, endpoint_of, operators_endpoint
from rlmlab.engine.providers.retries import Item, RetryPolicy
from rlmlab.env import Environment
from rlmlab.modelserver.launcher import Launcher

LOCAL_CONCURRENT = 4
Route = LeanProvider | GatewayProvider


class OwnRoutes:
    """The routes of organizations that bring their own credentials.

    One route for each endpoint and key, so that nobody's 429s throttle anybody else. Runs that use it share it; with
    the last of them it is gone, and the key with it.
    """

    def __init__(
        self, catalog: Catalog, gateway: GatewayProvider, connections: Connections, policy: RetryPolicy | None
    ) -> None:
        self._catalog = catalog
        self._gateway = gateway
        self._connections = connections
        self._policy = policy
        self._lean: WeakValueDictionary[Endpoint, LeanProvider] = WeakValueDictionary()
        self._gateways: WeakValueDictionary[Endpoint, GatewayProvider] = WeakValueDictionary()

    def route(self, provider: str, credential: Credential) -> Route:
        """Return the route for an organization's credential."""
        if credential.base_url:
            return self._lean_to(endpoint_of(provider, credential.base_url, credential.api_key, guarded=True))
        operators = operators_endpoint(provider, self._catalog.environ)
        if operators is not None:
            return self._lean_to(replace(operators, api_key=credential.api_key))
        return self._gateway_to(Endpoint("", credential.api_key, provider=provider))

    def _lean_to(self, endpoint: Endpoint) -> LeanProvider:
        found = self._lean.get(endpoint)
        if found is None:
            found = self._lean[endpoint] = LeanProvider(
                fixed(endpoint), self._catalog.info, policy=self._policy, connections=self._connections
            )
        return found

    def _gateway_to(self, endpoint: Endpoint) -> GatewayProvider:
        found = self._gateways.get(endpoint)
        if found is None:
            found = self._gateways[endpoint] = self._gateway.with_endpoint(endpoint)
        return found


class RoutingProvider:
    """Sends each call to the provider that answers for its model: by its prefix a lean one, or the gateway."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        lean: Mapping[str, LeanProvider],
        gateway: GatewayProvider,
        own: OwnRoutes,
        connections: Connections,
        server: LocalServer | None = None,
    ) -> None:
        self._catalog = catalog
        self._lean = lean
        self._gateway = gateway
        self._own = own
        self._connections = connections
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
        return self.route(self._catalog.provider_of(request.model)).stream(request)

    def for_access(self, access: Access) -> Provider:
        """Return the view of an organization that brings its own credentials or prices."""
        if access == NOTHING_OWN:
            return self
        routes = {
            provider: self._own.route(provider, credential)
            for provider, credential in access.credentials.items()
            if credential.readable
        }
        return OwnProvider(self._catalog.for_access(access), routes, self)

    def route(self, prefix: str) -> Route:
        """Return what answers for a provider's prefix with the operator's credentials."""
        return self._lean.get(prefix, self._gateway)

    async def warm(self) -> None:
        """Import the gateway library in the background, so that the first call through it is not slow."""
        await self._gateway.warm()

    async def close(self) -> None:
        """Close connections and the local server, if this process started it."""
        await self._gateway.close()
        await self._connections.close()
        if self._server is not None:
            await self._server.close()


class OwnProvider:
    """A worker's provider as one organization sees it; nothing is its own but which key goes with which call."""

    def __init__(self, catalog: Catalog, routes: Mapping[str, Route], shared: RoutingProvider) -> None:
        self._catalog = catalog
        self._routes = routes
        self._shared = shared

    def info(self, model: str) -> ModelInfo:
        """Describe a model, with the organization's price where it has one.

        Raises:
            UnknownModel: the prefix or bare name is not known.
        """
        return self._catalog.info(model)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Item, None]:
        """Make a call with the organization's credentials, else with the operator's; see `Provider.stream`.

        Raises:
            UnknownModel: as `info`.
            MissingCredentials: nobody has any, or the organization's cannot be read.
        """
        self._catalog.check(request.model)
        prefix = self._catalog.provider_of(request.model)
        return (self._routes.get(prefix) or self._shared.route(prefix)).stream(request)

    async def close(self) -> None:
        """Leave everything open: it belongs to the worker."""


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
    connections = Connections(private=settings.allow_private_base_urls)
    url = settings.local_model_url
    server = launcher_for(settings) if url is None else None
    locate = locate_local(server) if server is not None else fixed(Endpoint(url or "", provider=LOCAL_PREFIX))

    def lean(locate: Locate, **options: int) -> LeanProvider:
        return LeanProvider(locate, catalog.info, policy=policy, connections=connections, **options)

    endpoints = {provider: operators_endpoint(provider, environ) for provider in USUAL_URLS}
    operators = {provider: lean(fixed(endpoint)) for provider, endpoint in endpoints.items() if endpoint is not None}
    gateway = GatewayProvider(catalog, policy=policy)
    return RoutingProvider(
        catalog,
        lean={**operators, LOCAL_PREFIX: lean(locate, most_concurrent=LOCAL_CONCURRENT)},
        gateway=gateway,
        own=OwnRoutes(catalog, gateway, connections, policy),
        connections=connections,
        server=server,
    )


def launcher_for(settings: Environment) -> Launcher:
    """Build the launcher of the embedded local model."""
    return Launcher(
        settings.data_dir,
        threads=settings.local_model_threads,
        idle_seconds=settings.local_model_idle_seconds,
    )
