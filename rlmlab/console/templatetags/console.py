"""Icons, statuses and figures in templates; static/js/lib/format.js does the same in the browser."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

NONE: Final = "–"  # noqa: RUF001  an en dash stands for no value
THOUSAND: Final = 1000
COMPACT_FROM: Final = 10_000
MINUTE: Final = 60

# tone, icon, word; the same table as static/js/lib/status.js
STATUSES: Final = {
    "queued": ("calm", "clock", "Queued"),
    "running": ("info", "loader", "Running"),
    "paused": ("warn", "pause", "Paused"),
    "succeeded": ("ok", "check", "Succeeded"),
    "failed": ("bad", "cross", "Failed"),
    "cancelled": ("calm", "slash", "Cancelled"),
    "denied": ("warn", "slash", "Denied"),
    "ok": ("ok", "check", "Done"),
}


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Draw an icon of the sprite; it says nothing to screen readers, so a word stands beside it."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true"><use href="#icon-{}"></use></svg>', extra, name
    )


@register.simple_tag
def status(value: str, *, pill: bool = False) -> SafeString:
    """Show a status by icon, word and colour."""
    tone, picture, word = STATUSES[value]
    return format_html(
        '<span class="status {} tone-{}">{}{}</span>',
        "status-pill" if pill else "",
        tone,
        icon(picture, "spin" if value == "running" else ""),
        word,
    )


@register.simple_tag
def when(value: datetime | None, shape: str = "ago") -> SafeString | str:
    """Write a time; the browser shows it in the reader's own zone, as `ago`, `clock` or `full`."""
    if value is None:
        return NONE
    return format_html(
        '<time datetime="{}" data-as="{}">{}</time>', value.isoformat(), shape, f"{value:%Y-%m-%d %H:%M} UTC"
    )


@register.filter
def tokens(value: int | None) -> str:
    """1,234 stays, 12,345 becomes 12.3K."""
    if value is None:
        return NONE
    size, units = float(value), ["", "K", "M", "B"]
    if value < COMPACT_FROM:
        return f"{value:,}"
    while size >= THOUSAND and len(units) > 1:
        size, units = size / THOUSAND, units[1:]
    return f"{size:.1f}".removesuffix(".0") + units[0]


@register.filter
def usd(value: float | None) -> str:
    """Dollars with as many digits as a small sum needs; None: some price is unknown."""
    if value is None:
        return "no price"
    if value == 0:
        return "$0"
    if value < 0.0001:  # noqa: PLR2004  the smallest sum that is written out
        return "<$0.0001"
    digits = 4 if value < 0.01 else 3 if value < 1 else 2  # noqa: PLR2004
    return f"${value:.{digits}f}"


@register.filter
def plain(value: Decimal | None) -> str:
    """A price as it was given, without zeros at its end."""
    return NONE if value is None else f"{value.normalize():f}"


@register.filter
def duration(value: float | None) -> str:
    """Seconds for people."""
    if value is None:
        return NONE
    if value < 1:
        return f"{value * THOUSAND:.0f} ms" if value >= 1 / THOUSAND else "<1 ms"
    if value < MINUTE:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"  # noqa: PLR2004
    minutes, seconds = divmod(round(value), MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds:02d} s"


@register.filter
def size(value: int | None) -> str:
    """Bytes for people."""
    if value is None:
        return NONE
    amount, units = float(value), ["B", "KB", "MB", "GB"]
    while amount >= THOUSAND and len(units) > 1:
        amount, units = amount / THOUSAND, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" or amount >= 100 else f"{amount:.1f} {units[0]}"  # noqa: PLR2004


@register.filter
def share(value: float | None) -> str:
    """0.934 → 93 %; whole only where it is, so that 0.999 is not 100 %."""
    if value is None:
        return NONE
    percent = round(value * 100)
    if (percent, value < 1) == (100, True):
        return "> 99 %"
    return "< 1 %" if (percent, value > 0) == (0, True) else f"{percent} %"


@register.filter
def short_model(value: str) -> str:
    """openai/gpt-5-mini → gpt-5-mini."""
    return value.rsplit("/", 1)[-1]


@register.filter
def of(mapping: dict[str, Any], key: str) -> Any:
    """Look a key up; empty where there is none."""
    return mapping.get(key, "")
