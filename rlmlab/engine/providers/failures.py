"""What a failed HTTP exchange with a model endpoint means, and whether another attempt makes sense."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from rlmlab.engine.errors import (
    BadRequest,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RejectedCredentials,
    UnknownModel,
)

MESSAGE_CHARACTERS = 500


class Interrupted(Exception):
    """An attempt failed in a way that another one may not; `failure` is raised when there is none.

    `is_answer`: the endpoint itself said so, so it can be reached.
    """

    def __init__(
        self, failure: ProviderError, *, retry_after_seconds: float | None = None, is_answer: bool = False
    ) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.retry_after_seconds = retry_after_seconds
        self.is_answer = is_answer


def failure_of_status(status: int, message: str, retry_after: str | None = None) -> Exception:
    """Return the exception for an HTTP status: `Interrupted` for 408, 409, 429 and 5xx, else the final error.

    408 and 409 are what OpenAI's own client retries beside 429 and 5xx.
    """
    text = f"{message[:MESSAGE_CHARACTERS]} (HTTP {status})"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = parse_retry_after(retry_after)
        limited = RateLimited(f"The provider's rate limit or quota is reached: {text}", retry_after_seconds=seconds)
        return Interrupted(limited, retry_after_seconds=seconds, is_answer=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT}:
        failed = ProviderUnavailable(f"The provider failed: {text}")
        return Interrupted(failed, retry_after_seconds=parse_retry_after(retry_after), is_answer=True)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return RejectedCredentials(f"The provider rejected the API key: {text}")
    if status == HTTPStatus.NOT_FOUND:
        return UnknownModel(f"The provider does not have this model: {text}")
    return BadRequest(f"The provider refused the request: {text}")


def cut(reason: str) -> Interrupted:
    """An answer that ended before it was whole, or a connection that could not be made."""
    return Interrupted(ProviderUnavailable(reason))


def stalled(reason: str) -> Interrupted:
    """An answer of which nothing came for too long."""
    return Interrupted(ProviderTimeout(reason))


def parse_retry_after(value: str | None) -> float | None:
    """Read a Retry-After header, seconds or a date (RFC 9110, 10.2.3), as seconds; None for none and nonsense."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value)
    return seconds if 0 <= seconds < float("inf") else None


def _seconds_until(date: str) -> float | None:
    try:
        until = parsedate_to_datetime(date)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def message_of_body(body: bytes) -> str:
    """Find the sentence in an error body: OpenAI's `error.message`, else the text itself."""
    text = body.decode("utf-8", "replace").strip()
    try:
        document = json.loads(text)
    except ValueError:
        return text or "no explanation"
    error = document.get("error", document) if isinstance(document, dict) else document
    message = error.get("message") if isinstance(error, dict) else error
    return str(message) if message else text


def without_secret(message: str, secret: str | None) -> str:
    """Strike an API key out of a provider's words before they are stored."""
    return message.replace(secret, "[key]") if secret else message
