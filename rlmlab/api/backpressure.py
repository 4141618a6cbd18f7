"""Makes Daphne wait for slow clients, which by itself keeps in memory whatever they have not taken yet.

An application's `send` then returns when little is left to take, so a stream is asked for no more than its client
reads; what comes meanwhile waits in the hub, which is bounded. A client that takes nothing for a minute is cut off: it
holds one of its places for nothing, and resumes by the number of the last event that it has. Uvicorn does the first by
itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

HIGHEST_BYTES: Final = 1 << 18
LOOK_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 60.0
HandleReply = Callable[[Any, Any, dict[str, Any]], Awaitable[None]]


def patient(handle_reply: HandleReply) -> HandleReply:
    """Wrap the method of Daphne's server through which applications send."""

    async def handle_reply_patiently(server: Any, protocol: Any, message: dict[str, Any]) -> None:
        await handle_reply(server, protocol, message)
        transport = transport_of(protocol)
        if transport is not None:
            await drained(transport)

    return handle_reply_patiently


def transport_of(protocol: Any) -> Any:
    """Return the connection of a WebSocket, or that of a request; None where it is over."""
    channel = getattr(protocol, "channel", None)
    transport = getattr(protocol if channel is None else channel, "transport", None)
    return transport if hasattr(transport, "dataBuffer") else None


def waiting_bytes(transport: Any) -> int:
    """Count what Twisted keeps for a client (`twisted.internet.abstract.FileDescriptor`); nothing once it is gone."""
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen if transport.connected else 0  # noqa: SLF001


async def drained(transport: Any, *, patience: float = PATIENCE_SECONDS) -> None:
    """Return when little is left to take; cut a client off that takes nothing for so long."""
    waiting, since = waiting_bytes(transport), _now()
    while waiting > HIGHEST_BYTES:
        await asyncio.sleep(LOOK_SECONDS)
        left = waiting_bytes(transport)
        if left < waiting:
            since = _now()
        elif _now() - since > patience:
            transport.abortConnection()
            return
        waiting = left


def _now() -> float:
    return asyncio.get_running_loop().time()
