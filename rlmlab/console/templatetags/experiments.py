"""Answers and the figures of comparisons in templates."""

import json
from typing import Any, Final

from django import template

from rlmlab.console.templatetags.console import NONE

register = template.Library()
OFTEN: Final = 8
HARDLY: Final = 10_000
LEAST_P: Final = 0.0001


@register.filter
def answer(value: Any) -> str:
    """An answer as text; what is none is written as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def portion(value: int, whole: int) -> str:
    """17 of 20 becomes 85 %."""
    return f"{100 * value / whole:.0f} %" if whole else NONE


@register.filter
def points(value: float) -> str:
    """A difference of two shares, in percentage points."""
    return f"{100 * value:+.0f} points".replace("-", "\N{MINUS SIGN}")


@register.filter
def p_value(value: float) -> str:
    """A p-value to four places; a smaller one is not called zero."""
    return f"{value:.4f}" if value >= LEAST_P else f"< {LEAST_P}"


@register.filter
def chance(value: float) -> str:
    """How often chance does something of this probability, for people."""
    if value * OFTEN > 1:
        return f"{100 * value:.0f} % of the time"
    return f"once in {1 / value:,.0f} times" if value * HARDLY >= 1 else "hardly ever"
