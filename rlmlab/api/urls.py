"""The addresses of the API."""

from typing import Any

from django.urls import path, re_path
from ninja import NinjaAPI
from ninja.openapi.schema import get_schema

from rlmlab.api import (
    cache,
    datasets,
    errors,
    events,
    examples,
    experiments,
    files,
    lifecycle,
    lineage,
    media,
    memories,
    openai,
    openai_errors,
    projects,
    prompts,
    ratings,
    runs,
    tools,
)
from rlmlab.api.auth import KeyAuth, SessionAuth
from rlmlab.api.docs import LocalSwagger
from rlmlab.api.health import healthz, readyz
from rlmlab.api.middleware import nothing_here
from rlmlab.api.parser import JsonParser


class RestApi(NinjaAPI):
    """The API, whose document has the endpoint for clients of OpenAI's API as well."""

    def get_openapi_schema(self, **options: Any) -> Any:
        """Describe both; names of schemas are of one space."""
        document = super().get_openapi_schema(**options)
        other = get_schema(compatible, "v1/")
        document["paths"] |= other["paths"]
        document["components"]["schemas"] |= other["components"]["schemas"]
        return document


compatible = NinjaAPI(
    title="RLM Lab for clients of OpenAI's API",
    auth=[KeyAuth()],
    parser=JsonParser(),
    openapi_url=None,
    docs_url=None,
    urls_namespace="openai",
)
openai_errors.register(compatible)
compatible.add_router("", openai.router)

api = RestApi(
    title="RLM Lab",
    version="1",
    description="Start runs, follow them, read what they did.",
    auth=[KeyAuth(), SessionAuth()],
    parser=JsonParser(),
    docs=LocalSwagger(),
    openapi_url="/openapi.json",
    docs_url="/docs",
    urls_namespace="api",
)
errors.register(api)
api.add_router("/v1/projects", projects.router)
api.add_router("/v1/projects", files.router)
api.add_router("/v1/projects", prompts.router)
api.add_router("/v1/projects", datasets.router)
api.add_router("/v1/projects", experiments.router)
api.add_router("/v1", runs.router)
api.add_router("/v1", lifecycle.router)
api.add_router("/v1", lineage.router)
api.add_router("/v1", events.router)
api.add_router("/v1", media.router)
api.add_router("/v1", memories.router)
api.add_router("/v1", ratings.router)
api.add_router("/v1", examples.router)
api.add_router("/v1", cache.router)
api.add_router("/v1", tools.router)


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("api/", nothing_here),  # the framework would answer a page
    path("api/", api.urls),
    re_path(r"^api/", nothing_here),
    path("v1/", compatible.urls),
    re_path(r"^v1/", nothing_here),
]
