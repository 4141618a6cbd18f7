"""What a run read of its input, as the API shows it."""

from typing import Self

from ninja import Schema
from pydantic import Field

from trajectories.coverage import Coverage


class InputPart(Schema):
    """A file of the input, and the byte where it begins."""

    name: str
    start: int


class ReaderOut(Schema):
    """A span and the bytes of the input that it saw."""

    span_id: str
    kind: str
    name: str
    ranges: list[int]


class CoverageOut(Schema):
    """What was read of the input, in bytes as `start, end, start, …`, as the sandbox reports it.

    Found are passages of some length that stand in prompts and prints as they stand in the input; what code counted,
    joined or rewrote is not.
    """

    known: bool = Field(description="False where nothing can be told: there is no input, or it is JSON.")
    size: int
    parts: list[InputPart]
    read: list[int]
    read_bytes: int
    spans: list[ReaderOut]
    complete: bool = Field(description="False where more than 5,000 spans saw parts of it; the rest is left out.")
    warning: str | None

    @classmethod
    def of(cls, found: Coverage) -> Self:
        """Show a run's coverage."""
        return cls(
            known=found.known,
            size=found.size,
            parts=[InputPart(name=name, start=start) for name, start in found.parts],
            read=list(found.read),
            read_bytes=found.read_bytes,
            spans=[
                ReaderOut(span_id=reader.span_id, kind=reader.kind, name=reader.name, ranges=list(reader.ranges))
                for reader in found.readers
            ],
            complete=found.complete,
            warning=found.warning or None,
        )
