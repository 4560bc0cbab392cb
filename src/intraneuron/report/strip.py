"""The activation axis in characters: where a card's tokens, categories and zones stand on a line of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from intraneuron.data.card import Card, CardSegment
from intraneuron.data.display import is_defined, measure
from intraneuron.figures.axis import Axis
from intraneuron.figures.palette import category_color, category_glyph

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Strip:
    """An axis of activations on ``width`` characters."""

    axis: Axis
    width: int

    @classmethod
    def of(cls, card: Card, width: int) -> Strip | None:
        """Hold all tokens of a card; None without any."""
        found = [token.activation for token in card.tokens if is_defined(token.activation)]
        return cls(Axis.of(found, margin=0), width) if found else None

    def cell(self, activation: float) -> int:
        """Return the character at which an activation stands."""
        return round(self.axis.position(activation) * (self.width - 1))

    def scale(self) -> Text:
        """Write the ends of the axis, the more active at the right."""
        left, right = measure(self.axis.low), measure(self.axis.high)
        middle = "" if self.axis.constant is None else " log-like scale "
        line = middle.center(max(len(middle), self.width - len(left) - len(right) - 4), "─")
        return Text(f"{left} {line}> {right} ", style="dim")

    def category(self, card: Card, number: int) -> Text:
        """Mark the tokens of a category; a digit stands for several at one place."""
        counts = [0] * self.width
        for token in card.tokens:
            if token.category == number and is_defined(token.activation):
                counts[self.cell(token.activation)] += 1
        glyph = category_glyph(number)
        marks = "".join(" " if not n else glyph if n == 1 else str(n) if n < 10 else "#" for n in counts)
        return Text(marks, style=category_color(number))

    def zones(self, segments: Sequence[CardSegment]) -> Text:
        """Write the zones' numbers over their stretch of the axis, a star where q < 0.05, bars between them."""
        marks = [" "] * self.width
        known = [one for one in segments if is_defined(one.low) and is_defined(one.high)]
        for one in sorted(known, key=lambda one: one.low):
            start, end = self.cell(one.low), self.cell(one.high)
            marks[start] = "|"
            name = f"{one.segment + 1}{'*' if is_defined(one.q) and one.q < SIGNIFICANT else ''}"
            at = start + 1 + max(0, (end - start - len(name)) // 2)
            if end - start > len(name):
                marks[at : at + len(name)] = list(name)
        return Text("".join(marks[: self.width]))
