"""Figures in templates say the same as static/js/lib/format.js."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rlmlab.console.templatetags import console


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, console.NONE),
        (0, "0"),
        (1234, "1,234"),
        (9999, "9,999"),
        (12_345, "12.3K"),
        (2_000_000, "2M"),
        (3_210_000_000, "3.2B"),
    ],
)
def test_tokens(value: int | None, shown: str) -> None:
    assert console.tokens(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "no price"), (0, "$0"), (0.00001, "<$0.0001"), (0.0042, "$0.0042"), (0.1234, "$0.123"), (12.3, "$12.30")],
)
def test_usd(value: float | None, shown: str) -> None:
    assert console.usd(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, console.NONE),
        (0.0002, "<1 ms"),
        (0.25, "250 ms"),
        (3.14, "3.1 s"),
        (42, "42 s"),
        (119.7, "2 min 00 s"),
        (7322, "2 h 2 min"),
    ],
)
def test_duration(value: float | None, shown: str) -> None:
    assert console.duration(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, console.NONE), (999, "999 B"), (12_340, "12.3 KB"), (104_857_600, "105 MB")]
)
def test_size(value: int | None, shown: str) -> None:
    assert console.size(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, console.NONE), (0.0, "0 %"), (0.004, "< 1 %"), (0.934, "93 %"), (0.999, "> 99 %"), (1.0, "100 %")],
)
def test_share(value: float | None, shown: str) -> None:
    assert console.share(value) == shown


def test_a_model_is_shown_without_its_provider() -> None:
    assert console.short_model("openai/gpt-5-mini") == "gpt-5-mini"
    assert console.short_model("gpt-5-mini") == "gpt-5-mini"


def test_a_time_carries_its_zone_and_the_browser_does_the_rest() -> None:
    shown = console.when(datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    assert shown == '<time datetime="2026-01-02T03:04:00+00:00" data-as="ago">2026-01-02 03:04 UTC</time>'
    assert console.when(None) == console.NONE


def test_a_status_is_an_icon_a_word_and_a_tone() -> None:
    shown = console.status("running", pill=True)
    assert 'class="status status-pill tone-info"' in shown
    assert "#icon-loader" in shown
    assert shown.endswith("Running</span>")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, console.NONE), (Decimal("0.250000"), "0.25"), (Decimal("100.000000"), "100"), (Decimal(0), "0")],
)
def test_plain(value: Decimal | None, shown: str) -> None:
    assert console.plain(value) == shown
