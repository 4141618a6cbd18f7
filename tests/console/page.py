"""Reads an answer as a person reads the page."""

import re
from html import unescape
from typing import Any


def text_of(response: Any) -> str:
    """Return a page's text without tags, spaces folded."""
    html = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", " ", response.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def links_of(response: Any) -> set[str]:
    """Return where a page leads."""
    return set(re.findall(r'href="(/[^"#]*)"', response.content.decode()))
