"""From numbers to places in a picture, and round numbers to mark them by."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_MARKS: Final = 5  # at most, on a linear axis, or powers of ten on a logarithmic one


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis measures.

    Attributes
    ----------
    name : str
        With the unit.
    show : callable
        How a number at a mark is written.
    log, from_zero : bool
        Whether it is logarithmic, for numbers above 0, and whether it begins at 0.
    """

    name: str
    show: Callable[[float], str]
    log: bool = False
    from_zero: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis with its two ends.

    Attributes
    ----------
    axis : Axis
    low, high : float
        The numbers at its ends, ``low < high``.
    start, stop : float
        Their places.
    """

    axis: Axis
    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def fit(cls, axis: Axis, values: Sequence[float], start: float, stop: float) -> Scale:
        """Around all values, finite ones, with some room where they are all one."""
        low, high = min(values), max(values)
        if axis.log:
            low, high = (low, high) if high > low else (low / 2, high * 2)
            return cls(axis, low, high, start, stop)
        low = min(low, 0.0) if axis.from_zero else low
        if high <= low:
            low, high = low - (abs(low) / 2 or 0.5), high + (abs(high) / 2 or 0.5)
        return cls(axis, low, high, start, stop)

    def rounded(self) -> Scale:
        """With round numbers at both ends of a linear axis."""
        if self.axis.log:
            return self
        step = _round_step((self.high - self.low) / _MARKS)
        low, high = math.floor(self.low / step + 1e-9) * step, math.ceil(self.high / step - 1e-9) * step
        return Scale(self.axis, low, high, self.start, self.stop)

    def place(self, value: float) -> float:
        """Where a number lies."""
        if self.axis.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Round numbers between the ends: some of 1, 2 or 5 times a power of ten, or powers of ten."""
        if self.axis.log:
            powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            marks = [10.0**power for power in powers[:: max(1, math.ceil(len(powers) / (_MARKS + 2)))]]
            return marks if len(marks) > 1 else [self.low, self.high]
        step = _round_step((self.high - self.low) / _MARKS)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [mark * step for mark in range(first, last + 1)]


def _round_step(least: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is not below a number."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1 - 1e-9))
