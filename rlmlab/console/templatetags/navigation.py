"""The links of the navigation."""

from typing import Any

from django import template
from django.urls import reverse

register = template.Library()


@register.inclusion_tag("components/nav_item.html", takes_context=True)
def nav_item(
    context: dict[str, Any], page: str, word: str, picture: str, *within: str, inside: str = ""
) -> dict[str, Any]:
    """Link to a page that stands `within` these slugs, marked where the reader is on it or `inside` one of its pages.

    `inside` lists URL names, separated by spaces.
    """
    here = context["request"].resolver_match.url_name if context["request"].resolver_match else ""
    current = "page" if here == page else "true" if here in inside.split() else ""
    return {"address": reverse(page, args=within), "word": word, "picture": picture, "current": current}
