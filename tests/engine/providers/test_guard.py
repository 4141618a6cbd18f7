"""Where an organization may have us call, by the URL's form and by the address behind it."""

import socket
from collections.abc import AsyncIterator

import pytest

from rlmlab.engine.errors import BadRequest
from rlmlab.engine.providers import guard
from rlmlab.engine.providers.catalog import Catalog
from rlmlab.engine.providers.connections import Connections
from rlmlab.engine.providers.guard import BadUrl, Refused, check_url, guarded_socket, may_connect
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, fixed
from tests.engine.providers.contract import FAST, ask, complete
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Reply, submit

PUBLIC = "93.184.216.34"


def resolved(*addresses: str) -> guard.Resolve:
    return lambda _host: addresses


@pytest.mark.parametrize(
    "url",
    [
        "https://models.example.com/v1",
        "http://models.example.com:8080/v1/",
        f"https://{PUBLIC}/v1",
        "https://[2606:2800:220:1:248:1893:25c8:1946]:443/v1",
        "https://xn--bcher-kva.example/v1",
    ],
)
def test_public_addresses_are_taken(url: str):
    check_url(url, private=False, resolve=resolved(PUBLIC))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must be an address such as"),
        ("models.example.com/v1", "must begin with https:// or http://"),
        ("ftp://models.example.com", "must begin with https:// or http://"),
        ("file:///etc/passwd", "must begin with https:// or http://"),
        ("gopher://models.example.com", "must begin with https:// or http://"),
        ("https://", "must name a host"),
        ("https:///v1", "must name a host"),
        ("https://a b.example", "must be an address such as"),
        ("https://a.example\\@127.0.0.1/", "must be an address such as"),
        ("https://a.example/\r\nX: y", "must be an address such as"),
        ("https://①②⑦.0.0.1/v1", "must be an address such as"),
        ("https://[::1", "must be an address such as"),
        ("https://a.example:99999/v1", "must be an address such as"),
        ("https://a.example:0/v1", "must have a port between 1 and 65535"),
        ("https://key@a.example/v1", "must not contain a user name or password"),
        ("https://a.example@127.0.0.1/v1", "must not contain a user name or password"),
        ("https://a.example/v1?x=1", "must not contain a query or a fragment"),
        ("https://a.example/v1#x", "must not contain a query or a fragment"),
        ("https://-a.example/v1", "must name a host"),
        ("https://a..example/v1", "must name a host"),
        ("https://2130706433/v1", "must give an IP address in its usual form"),
        ("https://0177.0.0.1/v1", "must give an IP address in its usual form"),
        ("https://0x7f.1/v1", "must give an IP address in its usual form"),
        ("https://127.1/v1", "must give an IP address in its usual form"),
        ("https://127.0.0.1./v1", "must give an IP address in its usual form"),
        ("https://a.example/" + "x" * 500, "has 518 characters; 500 are allowed"),
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_odd_forms_are_refused_also_where_private_networks_are_allowed(url: str, words: str, private: bool):
    with pytest.raises(BadUrl, match=words.replace("(", r"\(")):
        check_url(url, private=private, resolve=resolved(PUBLIC))


NEVER = [
    "0.0.0.0",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "fe80::1",
    "fe80::1%2",
    "ff02::1",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::7f00:1",
    "not an address",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::1",
    "fec0::1",
]


@pytest.mark.parametrize("address", NEVER)
def test_link_local_metadata_and_multicast_are_never_allowed(address: str):
    assert (may_connect(address, private=False), may_connect(address, private=True)) == (False, False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_allowed_where_the_operator_says_so(address: str):
    assert (may_connect(address, private=False), may_connect(address, private=True)) == (False, True)


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str):
    assert may_connect(address, private=False)


def test_a_name_that_leads_inside_is_refused_with_its_address():
    with pytest.raises(BadUrl, match=r"^inside\.example \(10\.0\.0\.7\) is not a public address$"):
        check_url("https://inside.example/v1", private=False, resolve=resolved(PUBLIC, "10.0.0.7"))
    with pytest.raises(BadUrl, match=r"^\[?::1\]? is not a public address$"):
        check_url("http://[::1]:8000/v1", private=False)
    check_url("https://inside.example/v1", private=True, resolve=resolved("10.0.0.7"))


def test_localhost_is_resolved_and_refused():
    with pytest.raises(BadUrl, match=r"^localhost \("):
        check_url("http://localhost:8000/v1", private=False)
    check_url("http://localhost:8000/v1", private=True)


def test_a_name_without_addresses_is_refused(monkeypatch: pytest.MonkeyPatch):
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(BadUrl, match=r"^nowhere\.example cannot be resolved$"):
        check_url("https://nowhere.example/v1", private=False)


def test_a_socket_is_made_for_an_allowed_address_only():
    make = guarded_socket(private=False)
    with make((socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 443))) as made:
        assert made.family == socket.AF_INET
    with pytest.raises(Refused, match=r"127\.0\.0\.1 is not a public address"):
        make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443)))


@pytest.fixture
async def guarded(server: ModelServer) -> AsyncIterator[Connections]:
    connections = Connections()
    yield connections
    await connections.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nothing_is_connected_to_an_address_that_is_not_allowed(
    server: ModelServer, catalog: Catalog, guarded: Connections, host: str
):
    """A name that was public when it was stored may lead inside by now; the connection tells."""
    url = server.base_url.replace("127.0.0.1", host)
    provider = LeanProvider(
        fixed(Endpoint(url, "sk-ada", guarded=True)), catalog.info, policy=FAST, connections=guarded
    )
    with pytest.raises(BadRequest, match=rf"^{url} is not called: .* is not a public address"):
        await complete(provider, ask("submit"))
    assert server.calls == []


async def test_private_networks_are_called_where_the_operator_allows_them(server: ModelServer, catalog: Catalog):
    connections = Connections(private=True)
    endpoint = Endpoint(server.base_url, guarded=True)
    provider = LeanProvider(fixed(endpoint), catalog.info, policy=FAST, connections=connections)
    assert (await complete(provider, ask("submit"))).text == submit("42")
    await provider.close()
    assert (await complete(provider, ask("submit"))).text == submit("42"), "shared connections stay open"
    await connections.close()


@pytest.mark.parametrize(("guarded", "calls"), [(True, 1), (False, 2)])
async def test_a_redirect_is_followed_for_the_operator_only(
    server: ModelServer, catalog: Catalog, guarded: bool, calls: int
):
    location = {"Location": f"{server.base_url}/chat/completions"}
    server.script("submit", Reply(status=307, headers=location), Reply("arrived"))
    connections = Connections(private=True)
    endpoint = Endpoint(server.base_url, "sk-ada", guarded=guarded)
    provider = LeanProvider(fixed(endpoint), catalog.info, policy=FAST, connections=connections)
    if guarded:
        with pytest.raises(BadRequest, match="HTTP 307"):
            await complete(provider, ask("submit"))
    else:
        assert (await complete(provider, ask("submit"))).text == "arrived"
    assert len(server.calls) == calls
    await connections.close()
