"""What was measured: a median and how far the values around it spread."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


@dataclass(frozen=True)
class Figure:
    """The values that one thing had, one for each round."""

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        """The value in the middle."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """The distance between the quartiles, which hold the middle half of the values."""
        if len(self.values) == 1:
            return 0.0
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return high - low


class Key(NamedTuple):
    """What a figure is of."""

    part: str
    case: str
    variant: str
    """How much is configured, or which of several things is measured."""
    contender: str


Figures: TypeAlias = "dict[Key, Figure]"


def ratio(figures: Figures, over: Key, under: Key) -> float | None:
    """The ratio of two medians, None if one of them was not measured."""
    if over not in figures or under not in figures or not figures[under].median:
        return None
    return figures[over].median / figures[under].median
