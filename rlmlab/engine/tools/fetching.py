"""A tool that fetches a page, from hosts that the project names and from nowhere else.

Whoever writes the cell chooses the address, and an input may have told it to, so that each connection goes through the
guard that providers' base URLs go through (`rlmlab.engine.providers.guard`): what is checked is the address that a
socket is about to be connected to. Redirects are followed by hand, and each is checked as the first one was. Nothing
that tells who asks is sent: no cookies, no credentials, no referrer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypedDict
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp

from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.providers.guard import Refused, guarded_socket
from rlmlab.engine.tools.base import Tool, tool

SECONDS = 20.0
MOST_BYTES = 200_000
URL_CHARS = 2_000
REDIRECTS = 5
MOVED = frozenset({301, 302, 303, 307, 308})
PORTS = {"http": 80, "https": 443}
HEADERS = {
    "User-Agent": "rlmlab",
    "Accept": "text/*, application/json, application/xml;q=0.9",
    "Accept-Encoding": "identity",
}
TEXTS = ("text/", "application/json", "application/xml", "application/xhtml")


class Fetched(TypedDict):
    """A page: where it was found in the end, and its text; `more`: it is longer."""

    url: str
    status: int
    content_type: str
    text: str
    more: bool


def _guarded() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(socket_factory=guarded_socket(private=False), force_close=True)


@dataclass(frozen=True, slots=True)
class Fetcher:
    """`hosts`: exact names, or `*.example.com` for every name below it. `connect` makes what connects."""

    hosts: Sequence[str]
    connect: Callable[[], aiohttp.TCPConnector] = _guarded
    ports: dict[str, int] = field(default_factory=lambda: dict(PORTS))

    async def fetch(self, url: str) -> Fetched:
        """Fetch a page, following redirects within the allowed hosts.

        Raises:
            ToolFailed: it may not be fetched, cannot be reached, or is no text.
        """
        options = aiohttp.ClientTimeout(total=SECONDS)
        jar = aiohttp.DummyCookieJar()
        try:
            async with aiohttp.ClientSession(
                connector=self.connect(), cookie_jar=jar, timeout=options, auto_decompress=False, trust_env=False
            ) as session:
                return await self._follow(session, url)
        except Refused as error:
            raise ToolFailed(f"{error.strerror}: it may not be fetched") from error
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, Refused)
            why = "its address is not a public one" if refused else "it cannot be reached"
            raise ToolFailed(f"{url[:200]}: {why}") from error
        except TimeoutError as error:
            raise ToolFailed(f"{url[:200]}: no answer within {SECONDS:g} s") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise ToolFailed(f"{url[:200]}: {type(error).__name__}") from error

    async def _follow(self, session: aiohttp.ClientSession, url: str) -> Fetched:
        for _ in range(REDIRECTS + 1):
            async with session.get(self.checked(url), headers=HEADERS, allow_redirects=False) as response:
                moved = response.headers.get("Location", "") if response.status in MOVED else ""
                if not moved:
                    return await _read(response, url)
                url = urljoin(url, moved)
        raise ToolFailed(f"{url[:200]}: more than {REDIRECTS} redirects")

    def checked(self, url: str) -> str:
        """Return a URL that may be fetched, written anew from its checked parts, so that nobody reads it otherwise.

        Raises:
            ToolFailed: it may not, by its form or its host.
        """
        parts = _parts(url)
        host = (parts.hostname or "").rstrip(".")
        if parts.port not in {None, self.ports[parts.scheme]}:
            raise ToolFailed(f"{url[:200]}: only the usual port, {self.ports[parts.scheme]}, may be asked")
        if not any(allows(pattern, host) for pattern in self.hosts):
            raise ToolFailed(f"{host[:200]!r} is not a host that this project allows: {', '.join(self.hosts)}")
        where = host if parts.port is None else f"{host}:{parts.port}"
        return SplitResult(parts.scheme, where, parts.path, parts.query, "").geturl()


def fetch_tool(fetcher: Fetcher) -> Tool:
    """Make the tool that fetches a page."""

    async def http_fetch(url: Annotated[str, "http or https.", {"maxLength": URL_CHARS}]) -> Fetched:
        """Fetch a page with GET from a host that the project allows: a dict {url, status, content_type, text, more}."""
        return await fetcher.fetch(url)

    return tool(http_fetch, timeout_seconds=SECONDS + 5)


def allows(pattern: str, host: str) -> bool:
    """Tell whether a pattern of the allow-list names a host."""
    host = host.lower()
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def _parts(url: str) -> SplitResult:
    """Split a URL that is written plainly.

    Raises:
        ToolFailed: it is not.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ToolFailed(f"{url[:200]!r} is no URL") from None
    if parts.scheme not in PORTS:
        raise ToolFailed(f"{url[:200]!r} must begin with https:// or http://")
    if parts.username is not None or parts.password is not None:
        raise ToolFailed("the URL must not contain a user name or password")
    if port == 0 or not parts.hostname or any(not "\x20" < sign < "\x7f" or sign == "\\" for sign in url):
        raise ToolFailed(f"{url[:200]!r} is no URL")
    return parts


async def _read(response: aiohttp.ClientResponse, url: str) -> Fetched:
    """Read a page as far as it may be read."""
    if response.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        raise ToolFailed(f"{url[:200]}: the page is compressed, though that was not asked for")
    kind = response.content_type
    if not kind.startswith(TEXTS) and not kind.endswith(("+json", "+xml")):
        raise ToolFailed(f"{url[:200]}: {kind[:100]} is not text")
    data = b""
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > MOST_BYTES:
            break
    text = data[:MOST_BYTES].decode(_charset(response), "replace")
    return Fetched(url=url, status=response.status, content_type=kind, text=text, more=len(data) > MOST_BYTES)


def _charset(response: aiohttp.ClientResponse) -> str:
    """Name the page's encoding; UTF-8 where it names one that is no text encoding known here."""
    named = response.charset or "utf-8"
    return named if named.lower() in {"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"} else "utf-8"
