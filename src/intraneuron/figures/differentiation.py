"""Differentiation (C3): how far apart the categories of a neuron stand in activation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from intraneuron.data.display import number
from intraneuron.figures import layout
from intraneuron.figures.palette import POPULATION_SHAPES
from intraneuron.figures.populations import Populations

TITLE = "Do categories differ in activation?"
CAPTION = (
    "Categories are ranked by their own activation, so every line falls, by chance as well; the neurons "
    "differentiate only where the solid line is steeper than the twins'."
)
HEIGHT = 140


def differentiation(
    summary: Mapping[str, Any], width: int = 640, n_categories: int | None = None
) -> alt.FacetChart | alt.LayerChart:
    """Draw the mean Cliff's delta by rank of category, a panel a layer.

    ``n_categories`` picks the neurons with so many categories; the number that most neurons have when not given.
    """
    found = layout.drawable(summary.get("deltas") or (), "category", "n_categories", "delta")
    chosen = n_categories or most_common_cut(found)
    rows = layout.by_layer(row for row in found if row["n_categories"] == chosen)
    title = layout.heading(TITLE, f"{CAPTION} Neurons with {chosen} categories.", width - 60)
    if not rows:
        return layout.nothing(title, "No neuron has so many categories.", width)
    names = layout.layer_names(rows)
    columns, inner = layout.facet_grid(width, len(names), 210)
    panels = alt.layer(*_layers(Populations.of(rows, width)), data=layout.values([_row(row) for row in rows]))
    return (
        panels.properties(width=inner, height=HEIGHT)
        .facet(facet=alt.Facet("where:N", sort=names, title=None), columns=columns, spacing=layout.SPACING)
        .properties(title=title, description=f"{TITLE} {CAPTION}")
    )


def most_common_cut(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of categories that most neurons have; the largest when the table does not say."""
    sizes: Counter[int] = Counter()
    for row in rows:
        if row["population"] == "neurons" and row["category"] == 0:
            sizes[row["n_categories"]] += row.get("neurons") or 0
    return max(sizes, key=lambda k: (sizes[k], k), default=0)


def _row(row: layout.Row) -> layout.Row:
    kept = {name: row[name] for name in ("who", "where", "delta")}
    kept["shape"] = POPULATION_SHAPES.get(row["population"], "circle")
    return kept | {"place": row["category"] + 1, "shown": number(row["delta"], 3, signed=True)}


def _layers(populations: Populations) -> list[alt.Chart]:
    axis = alt.Axis(labelAngle=0, grid=False)
    x = alt.X("place:O", title="rank of the category", axis=axis, scale=alt.Scale(padding=0.3))
    y = alt.Y("delta:Q", title="Cliff's delta", axis=alt.Axis(tickCount=5))
    tooltip = [
        alt.Tooltip("who:N", title="of"),
        alt.Tooltip("where:N", title="layer"),
        alt.Tooltip("place:O", title="rank of the category"),
        alt.Tooltip("shown:N", title="mean Cliff's delta"),
    ]
    base = alt.Chart().encode(x=x, y=y, color=populations.color(line=True))
    return [
        layout.zero_line(),
        base.mark_line(strokeWidth=2, tooltip=None).encode(strokeDash=populations.dash()),
        base.mark_point(filled=True, opacity=1, size=52, strokeWidth=0.5).encode(
            shape=alt.Shape("shape:N", scale=None), tooltip=tooltip
        ),
    ]
