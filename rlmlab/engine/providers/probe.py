"""Tries an endpoint by listing its models: what the settings page asks, without the gateway library, for nothing."""

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

import aiohttp

from rlmlab.engine.providers.connections import Connections
from rlmlab.engine.providers.guard import Refused
from rlmlab.engine.providers.lean import Endpoint, authorization

SECONDS = 5.0
MOST_BYTES = 8_000_000

Outcome = Literal["ok", "rejected", "status", "not_openai", "refused", "unreachable", "timeout"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of it: `models` were listed, `status` was answered. Nothing of an answer's text is kept or shown."""

    outcome: Outcome
    models: int = 0
    status: int = 0

    @property
    def is_ok(self) -> bool:
        """Tell whether calls will probably work."""
        return self.outcome == "ok"


async def probe(endpoint: Endpoint, connections: Connections) -> Probe:
    """GET the endpoint's list of models, within five seconds and without following redirects."""
    url = f"{endpoint.base_url.rstrip('/')}/models"
    session = connections.session(guarded=endpoint.guarded)
    try:
        async with (
            asyncio.timeout(SECONDS),
            session.get(url, headers=authorization(endpoint), proxy=endpoint.proxy, allow_redirects=False) as response,
        ):
            if response.status != HTTPStatus.OK:
                return _refused(response.status)
            return _listed(await _body(response))
    except TimeoutError:
        return Probe("timeout")
    except aiohttp.ClientConnectorError as error:
        return Probe("refused" if isinstance(error.os_error, Refused) else "unreachable")
    except aiohttp.ClientError:
        return Probe("unreachable")


def _refused(status: int) -> Probe:
    denied = status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return Probe("rejected" if denied else "status", status=status)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            break
    return bytes(body)


def _listed(body: bytes) -> Probe:
    """Count the models of OpenAI's `{"data": […]}`, or of a bare list, as Together has it."""
    try:
        document = json.loads(body)
    except ValueError:
        return Probe("not_openai", status=HTTPStatus.OK)
    models = document.get("data") if isinstance(document, dict) else document
    return Probe("ok", len(models)) if isinstance(models, list) else Probe("not_openai", status=HTTPStatus.OK)
