"""The tool that fetches pages, as an attacker would use it: where it goes, what it sends, what it takes."""

import gzip
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.providers.guard import guarded_socket
from rlmlab.engine.tools import fetching
from rlmlab.engine.tools.fetching import Fetcher, allows, fetch_tool
from tests.engine.conftest import Lab
from tests.engine.fakes.provider import turns

HOSTS = ("lab.example", "*.docs.example")


class Fixed(AbstractResolver):
    """Resolves every name to given addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Answer with the addresses."""
        assert family is not None
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class Site:
    """A web site on loopback, and the requests that reached it."""

    port: int = 0
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def fetcher(self, *, private: bool = True, addresses: tuple[str, ...] = ("127.0.0.1",)) -> Fetcher:
        """Make a fetcher that finds every name here; `private` False: guarded as in real runs."""

        def connect() -> aiohttp.TCPConnector:
            return aiohttp.TCPConnector(
                resolver=Fixed(*addresses), socket_factory=guarded_socket(private=private), force_close=True
            )

        return Fetcher(HOSTS, connect, {"http": self.port, "https": 443})

    def url(self, path: str, host: str = "lab.example") -> str:
        """Name a page."""
        return f"http://{host}:{self.port}{path}"


PAGES = {
    "large": lambda: web.Response(text="é" * fetching.MOST_BYTES),
    "zipped": lambda: web.Response(
        body=gzip.compress(b"0" * 10_000_000), headers={"Content-Encoding": "gzip"}, content_type="text/plain"
    ),
    "image": lambda: web.Response(body=b"\x89PNG", content_type="image/png"),
    "latin": lambda: web.Response(body=b"caf\xe9", headers={"Content-Type": "text/plain; charset=iso-8859-1"}),
    "odd": lambda: web.Response(body=b"caf\xc3\xa9", headers={"Content-Type": "text/plain; charset=utf-7"}),
    "json": lambda: web.json_response({"a": 1}),
    "gone": lambda: web.Response(status=404, text="gone"),
    "loop": lambda: web.Response(status=302, headers={"Location": "/loop"}),
    "page": lambda: web.Response(text="<p>hello</p>", content_type="text/html"),
}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()

    async def serve(request: web.Request) -> web.StreamResponse:
        made.requests.append((request.method, request.path_qs, dict(request.headers)))
        if request.path == "/to":
            headers = {"Set-Cookie": "session=secret", "Location": request.query["url"]}
            return web.Response(status=302, headers=headers)
        return PAGES[request.path.strip("/")]()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    endpoint = web.TCPSite(runner, "127.0.0.1", 0)
    await endpoint.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


async def test_page_is_fetched_with_nothing_that_tells_who_asks(site: Site) -> None:
    page = await site.fetcher().fetch(site.url("/page?q=1#part"))
    assert page == {
        "url": site.url("/page?q=1#part"),
        "status": 200,
        "content_type": "text/html",
        "text": "<p>hello</p>",
        "more": False,
    }
    ((method, path, headers),) = site.requests
    assert (method, path) == ("GET", "/page?q=1")
    assert set(headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert headers["User-Agent"] == "rlmlab"


async def test_redirect_within_the_allowed_hosts_is_followed_without_cookies(site: Site) -> None:
    page = await site.fetcher().fetch(site.url(f"/to?url={site.url('/page', 'api.docs.example')}"))
    assert (page["url"], page["text"]) == (site.url("/page", "api.docs.example"), "<p>hello</p>")
    assert all("Cookie" not in headers and "Referer" not in headers for _, _, headers in site.requests)
    assert len(site.requests) == 2


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://169.254.169.254/latest/meta-data/", "'169.254.169.254' is not a host that this project allows"),
        ("http://[::ffff:169.254.169.254]/", "is not a host that this project allows"),
        ("http://localhost/", "'localhost' is not a host that this project allows"),
        ("//evil.example/x", "'evil.example' is not a host that this project allows"),
        ("http://lab.example:22/", "only the usual port"),
        ("file:///etc/passwd", "must begin with https:// or http://"),
        ("http://user:pass@lab.example/", "must not contain a user name or password"),
    ],
)
async def test_redirect_is_checked_as_the_first_address_was(site: Site, location: str, why: str) -> None:
    with pytest.raises(ToolFailed, match=why):
        await site.fetcher().fetch(site.url(f"/to?url={location}"))
    assert len(site.requests) == 1


async def test_redirects_end(site: Site) -> None:
    with pytest.raises(ToolFailed, match="more than 5 redirects"):
        await site.fetcher().fetch(site.url("/loop"))
    assert len(site.requests) == fetching.REDIRECTS + 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://evil.example/", "'evil.example' is not a host that this project allows: lab.example, "),
        ("http://docs.example/", "is not a host"),  # the suffix form names hosts below it only
        ("http://notdocs.example/", "is not a host"),
        ("http://lab.example.evil.example/", "is not a host"),
        ("http://lab.example@evil.example/", "must not contain a user name"),
        ("http://evil.example#@lab.example/", "is not a host"),
        ("http://evil.example\\@lab.example/", "user name|is no URL"),
        ("http://evil.example%23@lab.example/", "must not contain a user name"),
        ("http://lab.example%2eevil.example/", "is not a host"),
        ("http://127.0.0.1/", "is not a host"),
        ("http://2130706433/", "is not a host"),
        ("http://0x7f.1/", "is not a host"),
        ("http://[::1]/", "is not a host"),
        ("http://[::ffff:127.0.0.1]/", "is not a host"),
        ("http://[fe80::1%25eth0]/", "is not a host|is no URL"),
        ("http://[lab.example]/", "is no URL|is not a host"),
        ("http://lab.example:22/", "only the usual port"),
        ("https://lab.example:8443/", "only the usual port, 443"),
        ("http://lab.example:99999/", "is no URL"),
        ("http://lab.example:0/", "only the usual port|is no URL"),
        ("ftp://lab.example/", "must begin with"),
        ("file:///etc/passwd", "must begin with"),
        ("HTTPS:lab.example", "is no URL"),
        ("http://lab.example/\r\nX-Evil: 1", "is no URL"),
        ("http://lab.example/a b", "is no URL"),
        ("http://ⓛab.example/", "is no URL|is not a host"),
        ("", "must begin with"),
    ],
)
async def test_address_that_is_not_allowed_reaches_nobody(site: Site, url: str, why: str) -> None:
    with pytest.raises(ToolFailed, match=why):
        await site.fetcher().fetch(url)
    assert site.requests == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.7", "169.254.169.254", "0.0.0.0", "100.64.0.1", "::1", "::ffff:127.0.0.1", "fd00:ec2::254"],
)
async def test_allowed_name_that_leads_into_a_private_network_is_not_connected_to(site: Site, address: str) -> None:
    with pytest.raises(ToolFailed, match="its address is not a public one"):
        await site.fetcher(private=False, addresses=(address,)).fetch(site.url("/page"))
    assert site.requests == []


async def test_second_address_of_a_name_is_guarded_too(site: Site) -> None:
    with pytest.raises(ToolFailed, match=r"cannot be reached|is not a public one"):
        await site.fetcher(private=False, addresses=("10.0.0.7", "127.0.0.1")).fetch(site.url("/page"))
    assert site.requests == []


def test_real_fetchers_are_guarded_and_take_usual_ports_only() -> None:
    fetcher = Fetcher(HOSTS)
    assert (fetcher.connect, fetcher.ports) == (fetching._guarded, {"http": 80, "https": 443})


async def test_large_page_is_cut_and_it_is_said(site: Site) -> None:
    page = await site.fetcher().fetch(site.url("/large"))
    assert (page["text"], page["more"]) == ("é" * (fetching.MOST_BYTES // 2), True)


@pytest.mark.parametrize(("path", "why"), [("/zipped", "the page is compressed"), ("/image", "image/png is not text")])
async def test_page_that_is_no_plain_text_is_refused(site: Site, path: str, why: str) -> None:
    with pytest.raises(ToolFailed, match=why):
        await site.fetcher().fetch(site.url(path))


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [("/latin", 200, "café"), ("/odd", 200, "café"), ("/json", 200, '{"a": 1}'), ("/gone", 404, "gone")],
)
async def test_text_of_any_status_is_read(site: Site, path: str, status: int, text: str) -> None:
    page = await site.fetcher().fetch(site.url(path))
    assert (page["status"], page["text"]) == (status, text)


async def test_site_that_is_not_there_is_an_error_of_the_tool(site: Site) -> None:
    with pytest.raises(ToolFailed, match="it cannot be reached"):
        await Fetcher(HOSTS, site.fetcher().connect, {"http": 1, "https": 443}).fetch("http://lab.example:1/")


async def test_cell_fetches_what_the_project_allows_and_is_told_of_what_it_does_not(lab: Lab, site: Site) -> None:
    cell = f"""
print(http_fetch({site.url("/json")!r})["text"])
try:
    http_fetch("http://169.254.169.254/latest/meta-data/")
except ToolError as error:
    print(error)
FINAL("done")"""
    ran = await lab.run(turns(f"```repl{cell}\n```"), tools=[fetch_tool(site.fetcher())])
    printed = "".join(event.payload.text for event in ran.sink.events if event.type == "output")
    assert printed.startswith("{\"a\": 1}\nhttp_fetch: '169.254.169.254' is not a host that this project allows")
    assert [ran.sink.finished(path).status for path in ("1/1", "1/2")] == ["ok", "error"]


@pytest.mark.parametrize(
    ("pattern", "host", "allowed"),
    [
        ("a.example", "a.example", True),
        ("a.example", "A.EXAMPLE", True),
        ("a.example", "b.a.example", False),
        ("*.a.example", "b.a.example", True),
        ("*.a.example", "c.b.a.example", True),
        ("*.a.example", "a.example", False),
        ("*.a.example", ".a.example", False),
        ("*.a.example", "xa.example", False),
    ],
)
def test_pattern_names_hosts(pattern: str, host: str, allowed: bool) -> None:
    assert allows(pattern, host) is allowed
