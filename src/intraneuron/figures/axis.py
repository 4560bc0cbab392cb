"""Axis: where an activation stands between a neuron's weakest and strongest token.

Linear, unless half of the tokens would stand in the first eighth: then the axis is stretched like a logarithm, so
that they can be told apart. Whoever draws the axis says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

CROWDED = 0.12
MARGIN = 0.02
LEAST = 1e-3


@dataclass(frozen=True)
class Axis:
    """Activations from ``low`` to ``high``; positions go as log(1 + activation / constant), or linearly with None."""

    low: float
    high: float
    constant: float | None = None

    @classmethod
    def of(cls, activations: Sequence[float], margin: float = MARGIN) -> Axis:
        """Hold some activations, with a little room on both sides; one value only still has an axis."""
        low, high = min(activations), max(activations)
        room = margin * (high - low)
        if high == low:
            half = max(abs(high), 1.0) / 2
            return cls(low - half, high + half)
        if low <= 0 or (median(activations) - low) / (high - low) > CROWDED:
            return cls(low - room, high + room)
        tight = cls(low, high, constant=max(low, LEAST * high) / 4)
        return cls(tight.activation(-margin), tight.activation(1 + margin), tight.constant)

    def position(self, activation: float) -> float:
        """Return where an activation stands, 0 at the low end and 1 at the high end."""
        start, end = self._stretch(self.low), self._stretch(self.high)
        return (self._stretch(activation) - start) / (end - start)

    def activation(self, position: float) -> float:
        """Return the activation that stands at a position."""
        start, end = self._stretch(self.low), self._stretch(self.high)
        stretched = start + position * (end - start)
        return stretched if self.constant is None else self.constant * math.expm1(stretched)

    def ticks(self) -> list[float] | None:
        """Return round values (1, 2, 5 times a power of ten) for a stretched axis; None: any even steps will do."""
        if self.constant is None:
            return None
        first, last = math.floor(math.log10(max(self.low, self.constant))), math.ceil(math.log10(self.high))
        found = [digit * 10.0**power for power in range(first, last + 1) for digit in (1, 2, 5)]
        return [float(f"{value:.3g}") for value in found if self.low <= value <= self.high]

    def _stretch(self, activation: float) -> float:
        return activation if self.constant is None else math.log1p(activation / self.constant)
