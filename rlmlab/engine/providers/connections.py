"""The HTTP connections of a process: one pool for addresses that the operator chose, one that is guarded."""

import aiohttp

from rlmlab.engine.providers.guard import guarded_socket


class Connections:
    """Sessions of aiohttp, made when they are first needed, because they belong to the running event loop.

    `private`: an organization's base URLs may lead into private networks.
    """

    def __init__(self, *, private: bool = False) -> None:
        self._private = private
        self._open: dict[bool, aiohttp.ClientSession] = {}

    def session(self, *, guarded: bool) -> aiohttp.ClientSession:
        """Return the session; a guarded one connects where an organization may have us connect only."""
        if guarded not in self._open:
            sockets = guarded_socket(private=self._private) if guarded else None
            connector = aiohttp.TCPConnector(limit=0, socket_factory=sockets)
            self._open[guarded] = aiohttp.ClientSession(connector=connector)
        return self._open[guarded]

    async def close(self) -> None:
        """Close them all."""
        for session in self._open.values():
            await session.close()
