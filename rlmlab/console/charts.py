"""Bars for small pictures, drawn by templates as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEIGHT: Final = 40.0
STEP: Final = 10
LEAST: Final = 1.5
"""What is there is seen, however small beside the rest."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from the ground up, in the picture's units; `part` is the height of the share that is set apart."""

    x: int
    height: float
    part: float = 0.0

    @property
    def y(self) -> float:
        """Its top."""
        return round(HEIGHT - self.height, 2)

    @property
    def part_y(self) -> float:
        """The top of its share."""
        return round(HEIGHT - self.part, 2)


def bars(values: Sequence[float], parts: Sequence[float] = ()) -> list[Bar]:
    """Scale values, and shares of them, to the highest."""
    highest = max(values, default=0)
    shares = parts or [0.0] * len(values)
    return [
        Bar(number * STEP, _height(value, highest), _height(part, highest))
        for number, (value, part) in enumerate(zip(values, shares, strict=True))
    ]


def _height(value: float, highest: float) -> float:
    return round(max(LEAST, value / highest * HEIGHT), 2) if value > 0 else 0.0
