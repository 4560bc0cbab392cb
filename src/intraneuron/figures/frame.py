"""Frame: the horizontal axis that all parts of a spectrum share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from intraneuron.data.card import CardToken
from intraneuron.figures.axis import Axis

TICK_ROOM = 90


@dataclass(frozen=True)
class Frame:
    """An axis of activations drawn on ``width`` px."""

    axis: Axis
    width: float

    @classmethod
    def around(cls, tokens: Sequence[CardToken], width: float) -> Frame:
        """Hold all tokens."""
        return cls(Axis.of([token.activation for token in tokens]), width)

    def px(self, activation: float) -> float:
        """Return where an activation stands."""
        return self.axis.position(activation) * self.width

    def activation(self, px: float) -> float:
        """Return the activation that would stand at ``px``."""
        return self.axis.activation(px / self.width)

    def x(self, field: str, axis: bool = True) -> alt.X:
        """Encode a field of activations; all layers of a panel must agree on ``axis``."""
        scale = alt.Scale(domain=[self.axis.low, self.axis.high], nice=False, zero=False)
        if self.axis.constant is not None:
            scale.type, scale.constant = "symlog", self.axis.constant
        return alt.X(f"{field}:Q", scale=scale, axis=self._axis() if axis else None)

    def _axis(self) -> alt.Axis:
        ticks = self.axis.ticks()
        if ticks is None:
            count = max(3, int(self.width // TICK_ROOM))
            return alt.Axis(title="activation (further right: more active)", tickCount=count, grid=False, offset=2)
        title = "activation, log-like scale (further right: more active)"
        return alt.Axis(title=title, values=ticks, format="~g", labelOverlap=True, grid=False, offset=2)


def y_px(field: str, height: float) -> alt.Y:
    """Encode a field of px, downwards."""
    scale = alt.Scale(domain=[0, height], reverse=True, nice=False, zero=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=None)
