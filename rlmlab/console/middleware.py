"""What every answer to a browser carries."""

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

NONCE_BYTES = 16
ADMIN = "/admin/"


class ContentSecurityPolicy:
    """Allow only what this server sends: own scripts and styles, and inline ones that carry the request's nonce.

    The admin panel's theme evaluates expressions and sets styles, so its pages, and only they, allow both.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Give the request a nonce and the answer its policy."""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        request.csp_nonce = nonce  # type: ignore[attr-defined]  # read by templates
        response = self.get_response(request)
        policy = admin_policy(nonce) if request.path.startswith(ADMIN) else console_policy(nonce)
        response.headers.setdefault("Content-Security-Policy", policy)
        return response


def console_policy(nonce: str) -> str:
    """The policy of the console's own pages; data: images are needed by the API documentation's icons."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            "font-src 'self'",
            "img-src 'self' data:",
            "media-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def admin_policy(nonce: str) -> str:
    """The admin panel's policy: its theme's Alpine needs evaluation, its widgets need inline styles."""
    return (
        console_policy(nonce)
        .replace(f"script-src 'self' 'nonce-{nonce}'", f"script-src 'self' 'unsafe-eval' 'nonce-{nonce}'")
        .replace(f"style-src 'self' 'nonce-{nonce}'", "style-src 'self' 'unsafe-inline'")
    )
