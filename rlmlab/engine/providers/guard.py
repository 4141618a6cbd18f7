"""Which addresses an organization may have us call: a base URL must not lead into the operator's own network.

Server-side request forgery (OWASP API7:2023). What is checked is the address that a socket is about to be connected to,
so that a name which answers differently the second time (DNS rebinding) gains nothing. The check of a URL when it is
stored is for people: it says what is wrong while they look at the field.
"""

import re
import socket
from collections.abc import Callable, Iterable
from errno import EACCES
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from aiohttp.connector import AddrInfoType

URL_CHARACTERS = 500
MOST_PORT = 65_535
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_NUMBERS = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+))*\.?")
_METADATA = frozenset({IPv4Address("168.63.129.16"), IPv4Address("100.100.100.200"), IPv4Address("192.0.0.192")})
"""Clouds' metadata services that do not stand on a link-local address: Azure, Alibaba, Oracle."""
_METADATA_6 = frozenset({IPv6Address("fd00:ec2::254"), IPv6Address("fd20:ce::254")})  # AWS, Google
_TRANSLATED = ip_network("64:ff9b::/96")  # NAT64, RFC 6052
_SHARED = ip_network("100.64.0.0/10")  # carriers' and overlay networks, RFC 6598
_SITE = ip_network("fec0::/10")  # private networks before fc00::/7, RFC 3879; `ipaddress` calls them global

Resolve = Callable[[str], Iterable[str]]


class BadUrl(Exception):
    """A base URL that is not taken; the message says why, to follow the field's name.

    `private`: it leads into a private network, which the operator may allow.
    """

    def __init__(self, message: str, *, private: bool = False) -> None:
        super().__init__(message)
        self.private = private


class Refused(OSError):
    """A connection that is not made, because of where it would lead."""

    def __init__(self, address: str) -> None:
        super().__init__(EACCES, f"{address} is not a public address")


def check_url(url: str, *, private: bool, resolve: Resolve | None = None) -> None:
    """Refuse a base URL by its form, and by where its host leads now.

    Raises:
        BadUrl: it is no plain http or https URL, its host cannot be resolved, or it leads where it may not.
    """
    host = _parts(url).hostname or ""
    addresses = [host] if _literal(host) else list((resolve or addresses_of)(host))
    for address in addresses:
        if not may_connect(address, private=private):
            where = host if address == host else f"{host} ({address})"
            raise BadUrl(f"{where} is not a public address", private=may_connect(address, private=True))


def addresses_of(host: str) -> list[str]:
    """Resolve a name to addresses.

    Raises:
        BadUrl: it has none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadUrl(f"{host} cannot be resolved") from None
    return sorted({str(entry[4][0]) for entry in found})


def may_connect(address: str, *, private: bool) -> bool:
    """Tell whether an address may be connected to: a public one, or with `private` also loopback and private networks.

    Link-local addresses, multicast and clouds' metadata services are never allowed.
    """
    try:
        found = _inner(ip_address(address))
    except ValueError:
        return False
    if found in _METADATA | _METADATA_6 or found.is_multicast or found.is_unspecified or found.is_link_local:
        return False
    if found.is_reserved and not found.is_loopback:
        return False
    if found in _SITE:
        return private
    return found.is_global or (private and (found.is_private or found in _SHARED))


def guarded_socket(*, private: bool) -> Callable[[AddrInfoType], socket.socket]:
    """Make sockets for aiohttp's connector, for addresses that may be connected to only."""

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _name, address = info
        where: Any = address[0]
        if not may_connect(str(where), private=private):
            raise Refused(str(where))
        return socket.socket(family=family, type=kind, proto=protocol)

    return make


def _parts(url: str) -> SplitResult:
    if len(url) > URL_CHARACTERS:
        raise BadUrl(f"has {len(url)} characters; {URL_CHARACTERS} are allowed")
    if not re.fullmatch(r"[\x21-\x7e]+", url) or "\\" in url:
        raise BadUrl("must be an address such as https://models.example.com/v1")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadUrl("must be an address such as https://models.example.com/v1") from None
    if parts.scheme not in {"http", "https"}:
        raise BadUrl("must begin with https:// or http://")
    if parts.username is not None or parts.password is not None:
        raise BadUrl("must not contain a user name or password")
    if "?" in url or "#" in url:
        raise BadUrl("must not contain a query or a fragment")
    if port == 0:
        raise BadUrl(f"must have a port between 1 and {MOST_PORT}")
    _check_host(parts.hostname or "")
    return parts


def _check_host(host: str) -> None:
    """Take names and addresses in their usual form; 2130706433, 0177.1 and 0x7f.1 are 127.0.0.1 to some resolvers."""
    if _literal(host):
        return
    if not host or not _NAME.fullmatch(host):
        raise BadUrl("must name a host")
    if _NUMBERS.fullmatch(host):
        raise BadUrl("must give an IP address in its usual form, such as 203.0.113.7")


def _literal(host: str) -> bool:
    try:
        return "%" not in host and bool(ip_address(host))
    except ValueError:
        return False


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 one stands for: mapped, 6to4, Teredo or NAT64."""
    if not isinstance(address, IPv6Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
