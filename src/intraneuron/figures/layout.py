"""What the figures share: rows that can be drawn, wrapped headings, estimated text widths."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from intraneuron.data.display import LATIN, is_defined
from intraneuron.figures import palette

Row = dict[str, Any]

_NARROW = frozenset("iljtfrI|!.,:;'`()[]{}/\\ ·\"-")
_WIDE = frozenset("mwMW@%—…")
TITLE_SIZE, CAPTION_SIZE, PANEL_SIZE = 14, 11.5, 11.5
BOLD = 1.17
"""How much wider bold letters are."""

AXIS, SPACING, MANY = 58, 18, 12


def text_width(text: str, size: float) -> float:
    """Estimate how wide a text is in px, on the safe side in Helvetica and its likes; DejaVu is as wide."""
    return size * sum(_em(character) for character in text)


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if character in _WIDE:
        return 0.95
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if ord(character) > LATIN:  # drawn in another font, as a rule a wider one
        return 0.85
    return 0.72 if character.isupper() else 0.58


def shorten(text: str, width: float, size: float) -> str:
    """Cut a text that is wider than ``width`` px, with an ellipsis."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text, size) > width - size:
        text = text[:-1]
    return f"{text}…"


def wrap(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines of at most ``width`` px."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, size) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def heading(title: str, caption: str, width: float) -> alt.TitleParams:
    """Make a chart's title (what it is) and subtitle (what to see), wrapped to the chart's width."""
    return alt.TitleParams(
        text=wrap(title, width, TITLE_SIZE * BOLD), subtitle=wrap(caption, width, CAPTION_SIZE * 1.03)
    )


def panel_heading(text: str, inner: float) -> alt.TitleParams:
    """Make the title of one of several panels, wrapped to its inside: the next one begins a little farther on."""
    return alt.TitleParams(wrap(text, inner + SPACING, PANEL_SIZE * BOLD), fontSize=PANEL_SIZE, offset=8)


def drawable(rows: Iterable[Mapping[str, Any]], *fields: str) -> list[Row]:
    """Keep the rows in which all ``fields`` are defined numbers: what is undefined is not drawn."""
    return [dict(row) for row in rows if all(is_defined(row.get(field)) for field in fields)]


def by_layer(rows: Iterable[Row]) -> list[Row]:
    """Add how layer and population are called; with one layer only, its mean over layers is left out."""
    kept = list(rows)
    layers = {row.get("layer") for row in kept}
    if len(layers - {None}) == 1:
        kept = [row for row in kept if row.get("layer") is not None]
    return [row | {"where": layer_name(row.get("layer")), "who": population_name(row)} for row in kept]


def population_name(row: Mapping[str, Any]) -> str:
    """Name the population of a row."""
    name = str(row.get("population", "neurons"))
    return palette.POPULATION_LABELS.get(name, name)


def layer_name(layer: int | None) -> str:
    """Name a layer; None is the mean over layers."""
    return "all layers" if layer is None else f"layer {layer}"


def layer_names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the layers that occur, the mean over layers first, then in order."""
    layers = {row.get("layer") for row in rows}
    return [layer_name(layer) for layer in sorted(layers, key=lambda layer: -1 if layer is None else layer)]


def values(rows: Sequence[Row]) -> alt.InlineData:
    """Put rows into a chart."""
    return alt.InlineData(values=tuple(rows))


def nothing(title: alt.TitleParams, why: str, width: float) -> alt.LayerChart:
    """Draw a sentence where there is nothing to draw."""
    mark = alt.Chart(values([{"text": why}])).mark_text(align="left", tooltip=None)
    sentence = mark.encode(text=alt.Text("text:N"), x=alt.XValue(0), y=alt.YValue(12))
    return alt.layer(sentence, title=title).properties(width=width, height=24)


def zero_line(y: float = 0) -> alt.Chart:
    """Draw one line at ``y`` in a panel, whatever the number of its rows."""
    once = alt.Chart().transform_aggregate(rows="count()").mark_rule(style="line-rule", strokeWidth=1.2, tooltip=None)
    return once.encode(y=alt.YDatum(y))


def panel_grid(width: int, panels: int, least: int) -> tuple[int, int]:
    """Return how many panels with an axis each fit beside each other, and how wide each one's inside is."""
    columns = _columns(width, panels, least)
    return columns, (width - SPACING * (columns - 1)) // columns - AXIS


def facet_grid(width: int, panels: int, least: int, axis: int = AXIS) -> tuple[int, int]:
    """Return the same for panels that share the axis at the left; many of them may be narrower."""
    columns = _columns(width, panels, least if panels <= MANY else int(0.62 * least))
    return columns, (width - axis - (SPACING + 6) * (columns - 1)) // columns


def _columns(width: int, panels: int, least: int) -> int:
    """Return the columns of a grid whose rows are about equally full."""
    rows = math.ceil(panels / max(1, width // least))
    return math.ceil(panels / rows)
