"""A tiny asyncio HTTP/1.1 server for scripted models: keep-alive, chunked streaming, connections that can be cut.

Real HTTP servers refuse to misbehave; a scripted one has to cut streams in the middle and to notice when the client
leaves.
"""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


class ClientLeftError(Exception):
    """The client closed its connection before the answer was whole."""


@dataclass(slots=True)
class HttpRequest:
    """One request, wholly read."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body; an empty one is {}."""
        return json.loads(self.body or b"{}")


@dataclass(slots=True)
class HttpAnswer:
    """The writing side of one exchange."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    cut: bool = field(default=False, init=False)

    async def send(self, status: int, payload: Any, headers: dict[str, str] | None = None) -> None:
        """Answer at once with a JSON document (bytes are sent as they are)."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})})
        self.writer.write(body)
        await self._drain()

    async def start_stream(self, headers: dict[str, str] | None = None) -> None:
        """Begin a chunked event stream."""
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked", **(headers or {})})
        await self._drain()

    async def chunk(self, data: bytes) -> None:
        """Send one chunk of a stream.

        Raises:
            ClientLeftError: nobody reads any more.
        """
        if self.reader.at_eof() or self.writer.is_closing():
            raise ClientLeftError
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self._drain()

    async def end_stream(self) -> None:
        """End a chunked stream properly."""
        self.writer.write(b"0\r\n\r\n")
        await self._drain()

    def abort(self) -> None:
        """Cut the connection as a crashed server would."""
        self.cut = True
        self.writer.transport.abort()

    async def pause(self, seconds: float | None, until: asyncio.Event | None = None) -> None:
        """Wait for `seconds` (None: for ever) or until the event is set.

        Raises:
            ClientLeftError: the client closed its connection meanwhile.
        """
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self.reader.read(1))]
        if until is not None:
            waits.append(asyncio.ensure_future(until.wait()))
        done, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if waits[0] in done:
            raise ClientLeftError

    def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def _drain(self) -> None:
        try:
            await self.writer.drain()
        except ConnectionError as error:
            raise ClientLeftError from error


Handler = Callable[[HttpRequest, HttpAnswer], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """Read one request; None where the client closed the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *rest = head.decode("latin-1").split("\r\n")
    method, path, _version = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in rest if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return HttpRequest(method, path, headers, body)


class ThreadedServer:
    """Serves a handler from an event loop in a thread of its own, between `start()` and `stop()`."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self._handler = handler
        self._wanted_port = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scripted-http", daemon=True)
        self._connections: set[asyncio.Task[Any]] = set()
        self.loop: asyncio.AbstractEventLoop
        self.port: int
        self._stop: asyncio.Event

    def start(self) -> None:
        """Start to listen; returns when connections are accepted."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Cut all connections and end the thread."""
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", self._wanted_port, limit=2**26, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.ensure_future(self._talk(reader, writer))
        self._connections.add(talk)
        try:
            await talk
        except (ClientLeftError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(talk)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await read_request(reader)) is not None:
            answer = HttpAnswer(reader, writer)
            await self._handler(request, answer)
            if answer.cut:
                return
