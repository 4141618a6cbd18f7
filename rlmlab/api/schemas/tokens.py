"""Tokens by what they were, as the API shows them of runs and spans."""

from typing import Protocol, Self

from ninja import Field, Schema


class Counted(Protocol):
    """A row with sums of tokens, in which parts stand beside their whole."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int


class TokenBuckets(Schema):
    """The same tokens in buckets that do not overlap: they add up to `input_tokens` + `output_tokens`."""

    input: int = Field(description="Of the prompts, neither read from a provider's cache nor written to it.")
    cache_read: int = Field(description="Of the prompts, read from a provider's cache.")
    cache_write: int = Field(description="Of the prompts, written to a provider's cache.")
    output: int = Field(description="Written by the models, without what they reasoned.")
    reasoning: int = Field(description="Reasoned by the models before they wrote.")

    @classmethod
    def of(cls, row: Counted) -> Self:
        """Sort a row's tokens."""
        return cls(
            input=row.input_tokens - row.cached_tokens - row.cache_write_tokens,
            cache_read=row.cached_tokens,
            cache_write=row.cache_write_tokens,
            output=row.output_tokens - row.reasoning_tokens,
            reasoning=row.reasoning_tokens,
        )
