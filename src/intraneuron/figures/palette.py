"""Colours and shapes, the same in every figure, page and terminal.

The first seven category colours are Okabe and Ito's; three more were chosen so that no two of the ten come
closer under simulated deuteranopia and protanopia than the closest of the seven. Colour is never the only
channel: categories also differ in shape and have rows of their own, populations differ in dash and shape.
"""

from __future__ import annotations

from intraneuron.data.card import CardCategory
from intraneuron.data.display import visible

CATEGORY_COLORS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"),
    *("#56B4E9", "#F0E442", "#AA3377", "#6030F0", "#A0522D"),
)
CATEGORY_SHAPES = (
    *("circle", "square", "triangle-up", "diamond", "cross"),
    *("triangle-down", "triangle-right", "triangle-left"),
    "M0,-1L0.3,-0.3L1,-0.3L0.45,0.15L0.65,0.9L0,0.45L-0.65,0.9L-0.45,0.15L-1,-0.3L-0.3,-0.3Z",
    "M-0.5,-0.9L0.5,-0.9L0.5,0.9L-0.5,0.9Z",
)
CATEGORY_GLYPHS = ("●", "■", "▲", "◆", "+", "▼", "▶", "◀", "★", "▮")
NO_CATEGORY_COLOR = "#8A8A8A"
NO_CATEGORY_SHAPE = "stroke"
NO_CATEGORY_GLYPH = "–"

POPULATIONS = ("neurons", "rotated", "untrained", "readout", "frequency", "shuffled")
POPULATION_LABELS = {name: name if name == "neurons" else f"{name} twins" for name in POPULATIONS}
POPULATION_COLORS = dict(
    zip(POPULATIONS, ("#0072B2", "#D55E00", "#7FC97F", "#6030F0", "#FFB000", "#8A8A8A"), strict=True)
)
POPULATION_SHAPES = dict(
    zip(POPULATIONS, ("circle", "diamond", "triangle-up", "square", "triangle-down", "cross"), strict=True)
)
POPULATION_DASHES = dict(zip(POPULATIONS, ([1, 0], [6, 3], [8, 2, 2, 2], [4, 2, 1, 2], [1, 3], [2, 2]), strict=True))

BAND_COLOR = "#808080"


def category_color(category: int) -> str:
    """Return the colour of a category; -1 is a token in none."""
    return NO_CATEGORY_COLOR if category < 0 else CATEGORY_COLORS[category % len(CATEGORY_COLORS)]


def category_shape(category: int) -> str:
    """Return the Vega shape of a category."""
    return NO_CATEGORY_SHAPE if category < 0 else CATEGORY_SHAPES[category % len(CATEGORY_SHAPES)]


def category_glyph(category: int) -> str:
    """Return the character that stands for a category's mark in text."""
    return NO_CATEGORY_GLYPH if category < 0 else CATEGORY_GLYPHS[category % len(CATEGORY_GLYPHS)]


def category_words(category: CardCategory) -> str:
    """Name a category by its three tokens."""
    return ", ".join(visible(word, 24) for word in category.words) or "(no words)"
