"""Where the labels of the spectrum go: a lane a category, rows in a lane, no label over another.

Pure geometry in px, y downwards. A mark always stands at its token's activation; only the row is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intraneuron.data.card import Card, CardCategory, CardToken
from intraneuron.data.display import visible
from intraneuron.figures.frame import Frame
from intraneuron.figures.layout import shorten, text_width
from intraneuron.figures.palette import category_words

RADIUS = 5.0
GAP = 5.0
LABEL_LIMIT = 110.0
UNGROUPED = "in no category (groups under 3 tokens are dropped)"


@dataclass(frozen=True)
class Style:
    """Sizes in px, and the number of rows after which tokens keep their mark but lose their label."""

    font: float = 10.5
    row: float = 13.5
    header: float = 19.0
    foot: float = 11.0
    max_rows: int = 9


@dataclass(frozen=True)
class Placed:
    """A token's mark at (x, y) and its label beside it; ``side`` is right, left, or "" without a label."""

    token: CardToken
    label: str
    side: str
    y: float


@dataclass(frozen=True)
class Lane:
    """One category's strip from ``top`` to ``bottom``; ``category`` is None for tokens in no category."""

    category: CardCategory | None
    top: float
    bottom: float
    placed: tuple[Placed, ...]

    @property
    def number(self) -> int:
        """The category's number, -1 without one."""
        return -1 if self.category is None else self.category.category

    @property
    def words(self) -> str:
        """How the lane is called."""
        return UNGROUPED if self.category is None else category_words(self.category)


def lanes(card: Card, frame: Frame, style: Style) -> list[Lane]:
    """Lay out one lane a category, the most active on top, tokens without a category last."""
    groups: list[CardCategory | None] = [*sorted(card.categories, key=lambda one: one.category), None]
    laid: list[Lane] = []
    top = 0.0
    for category in groups:
        number = -1 if category is None else category.category
        tokens = [token for token in card.tokens if token.category == number]
        if not tokens:
            continue
        placed, rows = place(tokens, frame, style)
        first = top + style.header + style.row / 2
        bottom = top + style.header + rows * style.row + style.foot
        moved = tuple(Placed(one.token, one.label, one.side, first + one.y * style.row) for one in placed)
        laid.append(Lane(category, top, bottom, moved))
        top = bottom
    return laid


def place(tokens: Sequence[CardToken], frame: Frame, style: Style) -> tuple[list[Placed], int]:
    """Give each token the first row in which its mark and label are free; ``y`` counts rows.

    Intervals are taken by where they start, which needs the fewest rows. Labels stand right of their mark, or
    left of it where they would leave the picture.
    """
    boxes = sorted((_box(token, frame, style) for token in tokens), key=lambda box: box[0])
    ends: list[float] = []
    placed: list[Placed] = []
    crowded: list[CardToken] = []
    for start, end, side, label, token in boxes:
        row = next((index for index, used in enumerate(ends) if used <= start), len(ends))
        if row >= style.max_rows:
            crowded.append(token)
            continue
        ends[row : row + 1] = [end]
        placed.append(Placed(token, label, side, row))
    placed += [Placed(token, "", "", len(ends)) for token in crowded]
    return placed, len(ends) + bool(crowded)


def _box(token: CardToken, frame: Frame, style: Style) -> tuple[float, float, str, str, CardToken]:
    label = shorten(visible(token.token), LABEL_LIMIT, style.font)
    length = text_width(label, style.font) + RADIUS + GAP
    at = frame.px(token.activation)
    if at + length <= frame.width:
        return at - RADIUS, at + length, "right", label, token
    return at - length, at + RADIUS + 1, "left", label, token


def spread(centers: Sequence[float], widths: Sequence[float], low: float, high: float) -> list[float]:
    """Move labels that stand in one row apart until none overlaps, as little as needed, within [low, high].

    ``centers`` ascend. Labels are pushed right where they overlap, then back left from the far end.
    """
    placed: list[float] = []
    edge = low
    for center, width in zip(centers, widths, strict=True):
        at = max(center, edge + width / 2)
        placed.append(at)
        edge = at + width / 2
    edge = high
    for index in range(len(placed) - 1, -1, -1):
        placed[index] = min(placed[index], edge - widths[index] / 2)
        edge = placed[index] - widths[index] / 2
    return placed
