"""Hosts that people allow: what is one, and what is none."""

import pytest

from rlmlab.errors import Invalid
from rlmlab.tenancy.hosts import clean_hosts


def test_hosts_are_in_lower_case_and_each_once() -> None:
    names = [" API.Example.com ", "api.example.com.", "*.Example.org", "xn--bcher-kva.example", "a-1.b2.c3d"]
    assert clean_hosts("hosts", names) == [
        "api.example.com",
        "*.example.org",
        "xn--bcher-kva.example",
        "a-1.b2.c3d",
    ]
    assert clean_hosts("hosts", []) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "*",
        "*.",
        "*.com",
        "localhost",
        "metadata",
        "127.0.0.1",
        "*.0.0.1",
        "10.1",
        "2130706433",
        "0x7f.1",
        "a.0x7f",
        "::1",
        "[::1]",
        "[fe80::1%eth0].example",
        "http://a.example",
        "a.example/x",
        "a.example:80",
        "user@a.example",
        "a b.example",
        "a.example\nb.example",
        "-a.example",
        "a-.example",
        "a..example",
        ".example.com",
        "a.*.example",
        "**.a.example",
        "bücher.example",
        "a.example\x00",
        f"{'a' * 64}.example",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_no_host_name_is_named(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        clean_hosts("hosts", ["a.example", name])
    assert [error.field for error in caught.value.errors] == ["hosts.1"]
    assert "is not a host name such as api.example.com" in caught.value.errors[0].message


def test_more_than_fifty_are_refused() -> None:
    with pytest.raises(Invalid, match="hosts: has 51 items; 50 are allowed"):
        clean_hosts("hosts", [f"a{number}.example" for number in range(51)])
