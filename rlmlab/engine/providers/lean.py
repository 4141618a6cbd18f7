"""A lean provider for OpenAI-style endpoints: aiohttp, server-sent events, nothing else.

A gateway library costs ten times as much CPU a call; OpenAI itself, the local model and everything that speaks its
protocol need none. aiohttp and not httpx, measured with 64 streamed calls at once: 0.3 ms of CPU a call against 0.7,
and httpx's own pool takes 12 more, because it looks at every connection for every request.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import aiohttp

from rlmlab.engine.errors import BadRequest
from rlmlab.engine.providers.base import ChatRequest, Completed, ModelInfo, TextDelta
from rlmlab.engine.providers.connections import Connections
from rlmlab.engine.providers.failures import (
    cut,
    failure_of_status,
    message_of_body,
    stalled,
    without_secret,
)
from rlmlab.engine.providers.guard import Refused
from rlmlab.engine.providers.messages import cache_key, messages_of, response_format, tools_of
from rlmlab.engine.providers.retries import MOST_CONCURRENT, Item, Lanes, RetryPolicy, stream_with_retries
from rlmlab.engine.providers.sse import StreamReader, data_lines

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 300.0
ERROR_BODY_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is called and with which key.

    `max_tokens_field` is what its API calls the output limit. `stop` goes with every request, beside the request's own;
    `temperature` with those that name none. `provider` is the prefix that its models' names lose. A `guarded` one is an
    organization's: it is connected to where `rlmlab.engine.providers.guard` allows it, and redirects are not followed.
    `takes_cache_key`: it knows OpenAI's `prompt_cache_key`.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    stop: tuple[str, ...] = ()
    temperature: float | None = None
    provider: str = "openai"
    guarded: bool = False
    proxy: str | None = None
    takes_cache_key: bool = False


Locate = Callable[[int], Awaitable[Endpoint]]
"""Tells the endpoint for an attempt (its number from 1): a local server may have to be started, or have moved."""


def fixed(endpoint: Endpoint) -> Locate:
    """Locate an endpoint that never moves."""

    async def locate(_attempt: int) -> Endpoint:
        return endpoint

    return locate


class LeanProvider:
    """Calls one endpoint; `describe` knows its models. Shared `connections` are closed by whoever made them."""

    def __init__(
        self,
        locate: Locate,
        describe: Callable[[str], ModelInfo],
        *,
        policy: RetryPolicy | None = None,
        most_concurrent: int = MOST_CONCURRENT,
        silence_seconds: float = SILENCE_SECONDS,
        connections: Connections | None = None,
    ) -> None:
        self._locate = locate
        self._describe = describe
        self._lanes = Lanes(policy, most_concurrent)
        self._silence_seconds = silence_seconds
        self._shared = connections is not None
        self._connections = connections or Connections()

    def info(self, model: str) -> ModelInfo:
        """Describe a model."""
        return self._describe(model)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Item, None]:
        """Make a call; see `Provider.stream`."""
        return stream_with_retries(request, self._attempt, self._lanes.lane(request.model))

    async def close(self) -> None:
        """Close the connections, where they are this provider's own."""
        if not self._shared:
            await self._connections.close()

    async def _attempt(self, request: ChatRequest, number: int) -> AsyncGenerator[TextDelta | Completed, None]:
        endpoint = await self._locate(number)
        try:
            async with self._post(request, endpoint) as response:
                if response.status != HTTPStatus.OK:
                    raise await _refusal(response, endpoint)
                async with aclosing(_read_answer(request, response, number, endpoint.api_key)) as items:
                    async for item in items:
                        yield item
        except (aiohttp.ServerTimeoutError, aiohttp.SocketTimeoutError) as error:
            raise stalled(f"{endpoint.base_url} was silent: {error}") from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, Refused):
                raise BadRequest(f"{endpoint.base_url} is not called: {error.os_error.strerror}") from error
            raise cut(f"{endpoint.base_url} {_how(error)}") from error
        except aiohttp.ClientError as error:
            raise cut(f"{endpoint.base_url} {_how(error)}") from error

    def _post(self, request: ChatRequest, endpoint: Endpoint) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a request; a response that is not read to its end closes its connection when it is left."""
        silence = min(self._silence_seconds, request.timeout_seconds)
        return self._connections.session(guarded=endpoint.guarded).post(
            f"{endpoint.base_url.rstrip('/')}/chat/completions",
            json=body_of(request, endpoint, self._describe(request.model)),
            headers={"Accept": "text/event-stream", **authorization(endpoint)},
            proxy=endpoint.proxy,
            allow_redirects=not endpoint.guarded,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(CONNECT_SECONDS, silence), sock_read=silence),
        )


def authorization(endpoint: Endpoint) -> dict[str, str]:
    """Return the header that carries the key, where there is one."""
    return {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}


def _how(error: aiohttp.ClientError) -> str:
    """Say for people how a connection failed."""
    match error:
        case aiohttp.ClientConnectorError():
            return f"cannot be reached: {error.strerror or error.os_error}"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return "closed the connection before it answered"
        case aiohttp.ClientPayloadError():
            return "cut its answer off"
        case _:
            return f"did not answer as HTTP wants it: {error or type(error).__name__}"


async def _refusal(response: aiohttp.ClientResponse, endpoint: Endpoint) -> Exception:
    body = b""
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ERROR_BODY_BYTES:
            break
    message = without_secret(message_of_body(body), endpoint.api_key)
    return failure_of_status(response.status, message, response.headers.get("Retry-After"))


async def _read_answer(
    request: ChatRequest, response: aiohttp.ClientResponse, attempt: int, secret: str | None
) -> AsyncGenerator[TextDelta | Completed, None]:
    reader = StreamReader(secret)
    async with aclosing(data_lines(response.content.iter_any())) as lines:
        async for data in lines:
            if data == b"[DONE]":
                reader.end()
            elif text := reader.read(data):
                yield TextDelta(text)
    yield reader.completed(request, attempt)


def body_of(request: ChatRequest, endpoint: Endpoint, info: ModelInfo) -> dict[str, Any]:
    """Build the JSON body of a streamed chat completion; what the request leaves open is left out."""
    body: dict[str, Any] = {
        "model": request.model.removeprefix(f"{endpoint.provider}/"),
        "messages": messages_of(request, marked=info.cache_marks),
        "stream": True,
        "stream_options": {"include_usage": True},
        endpoint.max_tokens_field: request.max_tokens,
    }
    if request.tools:
        body["tools"] = tools_of(request.tools)
    if request.response_schema is not None and info.schemas:
        body["response_format"] = response_format(request.response_schema)
    if request.stable_messages and endpoint.takes_cache_key:
        body["prompt_cache_key"] = cache_key(request)
    return body | _sampling(request, endpoint)


def _sampling(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    """Return how the reply shall be chosen, as far as anybody says."""
    body: dict[str, Any] = {}
    temperature = endpoint.temperature if request.temperature is None else request.temperature
    if temperature is not None:
        body["temperature"] = temperature
    if request.seed is not None:
        body["seed"] = request.seed
    if request.stop or endpoint.stop:
        body["stop"] = [*request.stop, *endpoint.stop]
    return body
