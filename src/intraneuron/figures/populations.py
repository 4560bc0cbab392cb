"""How the populations of a picture are told apart: colour, shape and dash, with one legend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt

from intraneuron.figures import palette

ENTRY = 132
"""Width of an entry of the legend in px, the longest label included."""


@dataclass(frozen=True)
class Populations:
    """The populations that a picture shows: ``labels`` in the order of all figures, ``width`` of the picture in px."""

    labels: tuple[str, ...]
    width: int

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], width: int) -> Populations:
        """Find the populations that rows speak of (``who``)."""
        there = {row["who"] for row in rows}
        return cls(tuple(label for label in palette.POPULATION_LABELS.values() if label in there), width)

    def color(self, line: bool = False) -> alt.Color:
        """Colour by population, the same in all figures; ``line`` where the legend shows strokes."""
        legend = self._legend("stroke" if line else None)
        return alt.Color("who:N", scale=self._scale(palette.POPULATION_COLORS), title=None, legend=legend)

    def shape(self) -> alt.Shape:
        """Shape by population, the second channel of figures with points."""
        scale = self._scale(palette.POPULATION_SHAPES)
        return alt.Shape("who:N", scale=scale, title=None, legend=self._legend(None))

    def dash(self) -> alt.StrokeDash:
        """Dash by population, the second channel of figures with lines."""
        scale = self._scale(palette.POPULATION_DASHES)
        return alt.StrokeDash("who:N", scale=scale, title=None, legend=self._legend("stroke"))

    def _scale(self, channel: Mapping[str, Any]) -> alt.Scale:
        names = {label: name for name, label in palette.POPULATION_LABELS.items()}
        return alt.Scale(domain=list(self.labels), range=[channel[names[label]] for label in self.labels])

    def _legend(self, symbol: str | None) -> alt.Legend:
        look: dict[str, Any] = {"symbolSize": 110}
        if symbol is not None:
            look = {"symbolType": symbol, "symbolSize": 320, "symbolStrokeWidth": 2.2}
        if ENTRY * len(self.labels) > self.width + ENTRY:  # more than three do not stand in one row of a narrow page
            look["columns"] = max(1, self.width // ENTRY)
        return alt.Legend(orient="top", direction="horizontal", offset=8, **look)
