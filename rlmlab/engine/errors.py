"""Failures of the engine.

EngineError
├── ProviderError            a model call failed for good
│   ├── UnknownModel         no such provider prefix or bare model name
│   ├── MissingCredentials   no key or base URL for the model's provider
│   ├── RejectedCredentials  401, 403: the provider does not accept the key
│   ├── RateLimited          still 429 after all retries; `retry_after_seconds`
│   ├── ProviderUnavailable  5xx, refused connection or cut stream after all retries
│   │   └── EndpointDown     not asked, for it failed again and again; `retry_after_seconds`
│   ├── ProviderTimeout      nothing, or not all, within the time
│   └── BadRequest           4xx: the provider refuses the request (context window, content filter, …)
├── InputTooLarge        the input of a direct run does not fit the model's window
├── BadPrices                the operator's price file cannot be read
├── MemoryUnavailable        the run's memory cannot be asked, or refuses what it shall keep
├── ToolFailed               a tool cannot do what it is asked; the message is shown to the model
├── UnsupportedMedia         an image or a sound for a model that takes none, or too many of them
├── BudgetExhausted          a reservation that can never fit
├── NoAnswer                 a level or a question ended without an answer
│   ├── SliceUsedUp          an rlm_query used up what it was given
│   └── UnfitReply           a reply that does not match its schema, mended as often as it may be
└── Cancelled                somebody stopped the run
"""


class EngineError(Exception):
    """Base; `code` is the run's `error.code`."""

    code = "engine_error"


class ProviderError(EngineError):
    code = "provider_error"


class UnknownModel(ProviderError):
    code = "unknown_model"


class MissingCredentials(ProviderError):
    code = "missing_credentials"


class RejectedCredentials(ProviderError):
    code = "rejected_credentials"


class RateLimited(ProviderError):
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ProviderUnavailable(ProviderError):
    code = "provider_unavailable"


class EndpointDown(ProviderUnavailable):
    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ProviderTimeout(ProviderError):
    code = "provider_timeout"


class BadRequest(ProviderError):
    code = "provider_bad_request"


class BadPrices(EngineError):
    code = "bad_prices"


class MemoryUnavailable(EngineError):
    """The cell that asked gets an error; the run goes on."""

    code = "memory_unavailable"


class ToolFailed(EngineError):
    """The model is told why; the run goes on."""

    code = "tool_failed"


class BudgetExhausted(EngineError):
    """`limit` names the exhausted limit, such as `max_tokens`; `made`: a call was made, its fallback does not fit."""

    code = "budget"
    made = False

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class InputTooLarge(EngineError):
    code = "input_too_large"


class UnpricedModel(EngineError):
    code = "unpriced_model"


class NoAnswer(EngineError):
    code = "no_answer"


class SliceUsedUp(NoAnswer):
    """An `rlm_query` used up what it was given and had no answer; the level that made it goes on."""

    code = "budget"


class UnfitReply(NoAnswer):
    """A reply still does not match the schema that was asked for when it was mended as often as it may be."""

    code = "schema_mismatch"


class UnsupportedMedia(EngineError):
    code = "unsupported_media"


class Cancelled(EngineError):
    code = "cancelled"


class LostLease(EngineError):
    """Another worker owns the run now: stop, and write nothing more."""

    code = "lost_lease"
