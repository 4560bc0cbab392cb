"""Patterns: how many neurons show which relation, beside the twins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from intraneuron.data.display import percent
from intraneuron.figures import layout
from intraneuron.figures.populations import Populations
from intraneuron.figures.reference import reference

TITLE = "How many neurons show a relation, and of which kind"
CAPTION = "The {color} bars are what {directions} show; neurons without a relation are not drawn."
SHOWN = ("steps", "gradient", "peak", "mixed")
STEP = 13


def patterns(summary: Mapping[str, Any], width: int = 640) -> alt.FacetChart | alt.LayerChart:
    """Draw the share of each pattern among neurons and twins, a panel a layer."""
    found = layout.drawable(summary.get("patterns") or (), "share")
    rows = layout.by_layer(row for row in found if row["pattern"] in SHOWN)
    twin = reference(summary)
    caption = CAPTION.format(color=twin.color, directions=twin.directions)
    title = layout.heading(TITLE, caption, width - 60)
    if not rows:
        return layout.nothing(title, f"Patterns need {twin.name} twins, and this study has none.", width)
    names = layout.layer_names(rows)
    columns, inner = layout.facet_grid(width, len(names), 240, axis=64)
    data = [row | {"shown": percent(row["share"])} for row in rows]
    populations, most = Populations.of(rows, width), max(row["share"] for row in rows)
    panels = alt.layer(*_layers(populations, most), data=layout.values(data))
    return (
        panels.properties(width=inner, height=alt.Step(STEP, **{"for": "offset"}))
        .facet(facet=alt.Facet("where:N", sort=names, title=None), columns=columns, spacing=layout.SPACING)
        .properties(title=title, description=f"{TITLE}. {caption}")
    )


def _layers(populations: Populations, most: float) -> list[alt.Chart]:
    scale = alt.Scale(domain=[0, 1.22 * most or 0.01], nice=False)
    tooltip = [
        alt.Tooltip("who:N", title="of"),
        alt.Tooltip("where:N", title="layer"),
        alt.Tooltip("pattern:N", title="pattern"),
        alt.Tooltip("shown:N", title="share"),
    ]
    base = alt.Chart().encode(
        x=alt.X("share:Q", title="share", scale=scale, axis=alt.Axis(format="%", tickCount=4)),
        y=alt.Y("pattern:N", sort=list(SHOWN), title=None, axis=alt.Axis(grid=False, ticks=False, labelFontSize=11)),
        yOffset=alt.YOffset("who:N", sort=list(populations.labels)),
        tooltip=tooltip,
    )
    return [
        base.mark_bar().encode(color=populations.color()),
        base.mark_text(align="left", dx=3, fontSize=9.5, style="soft-text").encode(text=alt.Text("shown:N")),
    ]
