"""Failures of a request that its caller can understand and mend.

    DomainError
    ├── Invalid            a field is wrong; `errors` names each one
    ├── NotFound           no such object in this organization
    ├── NotAllowed         the role does not permit it
    ├── NotAuthenticated   no valid key or session
    ├── Conflict           the object's state, or another body under the same key, forbids it
    ├── TooLarge           over a size limit
    ├── UnsupportedMedia   the body is of another media type than this reads
    ├── QuotaExceeded      the organization's cap is reached
    ├── TooManyRequests    requests come faster than they may
    └── Unavailable        a part this needs is not there now

HTTP numbers are given to them in one place, `rlmlab.api.errors`. The engine and the sandbox have trees of their own
(`rlmlab.engine.errors`, `sandbox.errors`), because a failing run is not a failing request.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: `field` as a dotted path into the request, `message` for a person."""

    field: str
    message: str


class DomainError(Exception):
    """Base of all failures that are the request's and not ours."""

    title = "The request cannot be carried out"

    def __init__(self, detail: str, *, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class Invalid(DomainError):
    title = "The request is not valid"

    @classmethod
    def field(cls, name: str, message: str) -> "Invalid":
        """Build the error of a single wrong field."""
        return cls(f"{name}: {message}", errors=(FieldError(name, message),))


class NotFound(DomainError):
    title = "Not found"


class NotAllowed(DomainError):
    title = "Not allowed"


class NotAuthenticated(DomainError):
    title = "Not authenticated"


class Conflict(DomainError):
    title = "Conflict"


class TooLarge(DomainError):
    title = "Too large"


class UnsupportedMedia(DomainError):
    title = "Unsupported media type"


class QuotaExceeded(DomainError):
    title = "Quota exceeded"


class TooManyRequests(DomainError):
    title = "Too many requests"


class Unavailable(DomainError):
    title = "Not available"
