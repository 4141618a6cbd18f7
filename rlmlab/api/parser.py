"""Reads JSON bodies without keeping them."""

import hashlib
import json
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser


class JsonParser(Parser):
    """Lets go of the raw body as soon as it is text: a context of 100 MB would otherwise be held three times.

    The body's SHA-256 stays on the request, for `Idempotency-Key`.
    """

    def parse_body(self, request: HttpRequest) -> Any:
        """Parse the body; lone surrogates are kept, fields that must not have them refuse them."""
        body = request.body
        request.fingerprint = hashlib.sha256(body).hexdigest()  # type: ignore[attr-defined]
        request._body = b"{}"  # noqa: SLF001 - Django keeps the bytes there
        text = body.decode("utf-8")
        del body
        return json.loads(text)
