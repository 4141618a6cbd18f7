"""The hosts that a project's runs may fetch pages from."""

import re
from collections.abc import Sequence
from typing import Final

from rlmlab.errors import FieldError, Invalid

MOST: Final = 50
_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST: Final = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})+")
_NUMBERS: Final = re.compile(r"(\*\.)?(.*\.)?(0x[0-9a-f]*|[0-9]+)")


def clean_hosts(field: str, names: Sequence[str]) -> list[str]:
    """Return host names in lower case, each once: `api.example.com`, or `*.example.com` for every name below it.

    Addresses and names of one word are none: what stands in the operator's own network is not reached anyway.

    Raises:
        Invalid: naming every wrong one as `<field>.N`.
    """
    if len(names) > MOST:
        raise Invalid.field(field, f"has {len(names)} items; {MOST} are allowed")
    hosts = [name.strip().lower().rstrip(".") for name in names]
    wrong = [FieldError(f"{field}.{at}", _message(host)) for at, host in enumerate(hosts) if not _is_host(host)]
    if wrong:
        raise Invalid("; ".join(f"{error.field}: {error.message}" for error in wrong), errors=tuple(wrong))
    return list(dict.fromkeys(hosts))


def _is_host(host: str) -> bool:
    return len(host) <= 253 and _HOST.fullmatch(host) is not None and not _NUMBERS.fullmatch(host)  # noqa: PLR2004 - RFC 1035


def _message(host: str) -> str:
    return f'"{host[:100]}" is not a host name such as api.example.com, or *.example.com for all below it'
