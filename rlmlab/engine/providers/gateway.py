"""Every provider that LiteLLM has. The only module that imports litellm, and only when the first call is made.

The import takes seconds and 170 MB, so it happens in a thread, in the worker. Retries and prices are our own: litellm
counts an unknown model as free, and its retries cannot tell a consumer that streamed text is void.
"""

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache, reduce
from types import ModuleType
from typing import Any

from rlmlab.engine.errors import ProviderError
from rlmlab.engine.providers import credentials
from rlmlab.engine.providers.base import ChatRequest, Completed, ModelInfo, TextDelta, TokenUsage
from rlmlab.engine.providers.catalog import Catalog
from rlmlab.engine.providers.failures import Interrupted, cut, failure_of_status, stalled, without_secret
from rlmlab.engine.providers.lean import SILENCE_SECONDS, Endpoint
from rlmlab.engine.providers.messages import messages_of, response_format, tools_of
from rlmlab.engine.providers.retries import Item, Lanes, RetryPolicy, stream_with_retries
from rlmlab.engine.providers.sse import StreamReader
from rlmlab.engine.providers.usage import read_usage


@cache
def load_litellm() -> ModuleType:
    """Import litellm, quiet and without network: the packaged price map, no telemetry, no hints on stdout."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # litellm reads it while it is imported
    os.environ["LITELLM_DISABLE_BUG_REPORT_LINK"] = "true"  # in the messages of its errors
    import litellm  # noqa: PLC0415 - slow import

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True  # a seed or temperature that a provider does not take is left out
    module: ModuleType = litellm
    return module


@dataclass(slots=True)
class _Use:
    """Whether litellm was called, by a provider or one made of it."""

    happened: bool = False


class GatewayProvider:
    """Calls models through litellm; `endpoints` by prefix replace what it would read from the environment.

    An endpoint without a base URL gives the key alone. What goes to one is throttled apart from everything else.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        endpoints: Mapping[str, Endpoint] | None = None,
        policy: RetryPolicy | None = None,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._catalog = catalog
        self._endpoints = dict(endpoints or {})
        self._policy = policy
        self._silence_seconds = silence_seconds
        self._lanes: defaultdict[str, Lanes] = defaultdict(lambda: Lanes(policy))
        self._use = _Use()

    def with_endpoint(self, endpoint: Endpoint) -> "GatewayProvider":
        """Make one that calls a single endpoint's provider with its key; this one closes what both opened."""
        made = GatewayProvider(
            self._catalog,
            endpoints={endpoint.provider: endpoint},
            policy=self._policy,
            silence_seconds=self._silence_seconds,
        )
        made._use = self._use
        return made

    def info(self, model: str) -> ModelInfo:
        """Describe a model."""
        return self._catalog.info(model)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Item, None]:
        """Make a call; see `Provider.stream`."""
        lanes = self._lanes[self._catalog.provider_of(request.model)]
        return stream_with_retries(request, self._attempt, lanes.lane(request.model))

    async def warm(self) -> None:
        """Import litellm now, in a thread, so that the first call need not wait."""
        await asyncio.to_thread(load_litellm)

    async def close(self) -> None:
        """Close litellm's cached connections, where it was used."""
        if self._use.happened:
            await load_litellm().close_litellm_async_clients()

    async def _attempt(self, request: ChatRequest, number: int) -> AsyncGenerator[TextDelta | Completed, None]:
        litellm = await asyncio.to_thread(load_litellm)
        self._use.happened = True
        provider = self._catalog.provider_of(request.model)
        endpoint = self._endpoints.get(provider)
        try:
            async with aclosing(_read(litellm, request, self._options(request, endpoint), number)) as items:
                async for item in items:
                    yield item
        except (Interrupted, ProviderError):
            raise
        except Exception as error:  # litellm's errors share no base class but OpenAI's
            operators = credentials.secrets_of(provider, self._catalog.environ)
            own = (endpoint.api_key,) if endpoint is not None and endpoint.api_key else ()
            raise _failure_of(litellm, error, (*own, *operators)) from error

    def _options(self, request: ChatRequest, endpoint: Endpoint | None) -> dict[str, Any]:
        info = self._catalog.info(request.model)
        schema = request.response_schema if info.schemas else None
        options: dict[str, Any] = {
            "model": request.model,
            "messages": messages_of(request, marked=info.cache_marks),
            "tools": tools_of(request.tools) or None,
            "response_format": None if schema is None else response_format(schema),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stop": list(request.stop) or None,
            "stream": True,
            "stream_options": {"include_usage": True},
            "timeout": self._silence_seconds,  # always the same: litellm keeps a client for each
            "stream_timeout": self._silence_seconds,
            "num_retries": 0,
            "max_retries": 0,
        }
        if endpoint is not None:
            options |= {"api_base": endpoint.base_url or None, "api_key": endpoint.api_key}
        return options


async def _read(
    litellm: ModuleType, request: ChatRequest, options: dict[str, Any], number: int
) -> AsyncGenerator[TextDelta | Completed, None]:
    response = await litellm.acompletion(**options)
    reader = StreamReader()
    try:
        async for chunk in response:
            for choice in chunk.choices[:1]:
                wanted = [piece.model_dump() for piece in choice.delta.tool_calls or ()]
                text = reader.add(choice.delta.content, wanted, choice.finish_reason)
                if text:
                    yield TextDelta(text)
    finally:
        await _close_stream(response)
    reader.usage = _reported_usage(response)
    yield reader.completed(request, number)


def _reported_usage(response: Any) -> TokenUsage | None:
    """Find the provider's own usage; what the stream itself ends with may be litellm's guess."""
    for chunk in reversed(response.chunks):
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            return read_usage(usage.model_dump())
    return None


async def _close_stream(response: Any) -> None:
    """Close the HTTP response behind litellm's wrapper, so that a cancelled call ends at the provider too."""
    await response.aclose()


def _failure_of(litellm: ModuleType, error: Exception, secrets: Sequence[str]) -> Exception:
    message = plain_words(reduce(without_secret, secrets, str(error)))
    if isinstance(error, litellm.exceptions.Timeout):
        return stalled(message)
    if _is_cut_off(litellm, error):
        return cut(message)
    status = getattr(error, "status_code", None)
    return failure_of_status(int(status), message, _retry_after(error)) if status else cut(message)


def _is_cut_off(litellm: ModuleType, error: BaseException) -> bool:
    """Tell whether no answer came at all: litellm gives that a status of 500, too."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError | litellm.exceptions.openai.APIConnectionError):
            return True
        found = found.__cause__ or found.__context__
    return False


def _retry_after(error: Exception) -> str | None:
    response = getattr(error, "response", None)
    for headers in (getattr(error, "litellm_response_headers", None), getattr(response, "headers", None)):
        if headers and "retry-after" in headers:
            return str(headers["retry-after"])
    return None


def plain_words(message: str) -> str:
    """Strip litellm's class names (`litellm.APIError: APIError: OpenAIException - `) and traces off a sentence."""
    first = message.partition(" Original exception:")[0].partition("\nTraceback (")[0]
    return re.sub(r"^(?:(?:litellm\.)?\w+(?:Error|Exception|Timeout): )*(?:\w+Exception - )?", "", first)
