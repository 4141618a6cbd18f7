"""Reads JSON bodies without keeping them."""

import hashlib
import json
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from rlmlab.errors import UnsupportedMedia


class JsonParser(Parser):
    """Lets go of the raw body as soon as it is text: a context of 100 MB would otherwise be held three times.

    The body's SHA-256 stays on the request, for `Idempotency-Key`.
    """

    def parse_body(self, request: HttpRequest) -> Any:
        """Parse the body; lone surrogates are kept, fields that must not have them refuse them.

        Raises:
            UnsupportedMedia: the body says that it is something else than JSON.
        """
        kind = request.content_type or ""
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise UnsupportedMedia(f"Send the body as application/json, not as {kind}.")
        body = request.body
        request.fingerprint = hashlib.sha256(body).hexdigest()  # type: ignore[attr-defined]
        request._body = b"{}"  # noqa: SLF001 - Django keeps the bytes there
        text = body.decode("utf-8")
        del body
        return json.loads(text)
