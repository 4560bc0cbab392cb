"""The profile: how alike neighbouring core tokens are, from the most to the least active."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from intraneuron.data.display import is_defined
from intraneuron.figures import layout
from intraneuron.figures.populations import Populations
from intraneuron.figures.reference import reference

TITLE = "Homogeneity of meaning along the activation"
CAPTION = (
    "Left: the most active tokens. Where the solid line is above the {color} one, neighbouring tokens are more alike "
    "than those of {directions}: only that gap is the neurons' own."
)
HEIGHT = 130
DIGITS = 5


def profile(summary: Mapping[str, Any], width: int = 640) -> alt.FacetChart | alt.LayerChart:
    """Draw the mean similarity in a window of 10 ranks, above each neuron's mean, a panel a layer.

    The band is the 95 % interval of the neurons' mean.
    """
    rows = layout.by_layer(layout.drawable(summary.get("profile") or (), "rank", "homogeneity"))
    twin = reference(summary)
    caption = CAPTION.format(color=twin.color, directions=twin.directions)
    title = layout.heading(TITLE, caption, width - 60)
    names = layout.layer_names(rows)
    if not rows:
        return layout.nothing(title, "No profile: too few neurons have enough core tokens.", width)
    columns, inner = layout.facet_grid(width, len(names), 210, axis=64)
    panels = alt.layer(*_layers(Populations.of(rows, width)), data=layout.values([_row(row) for row in rows]))
    facet = alt.Facet("where:N", sort=names, title=None)
    return (
        panels.properties(width=inner, height=HEIGHT)
        .facet(facet=facet, columns=columns, spacing=layout.SPACING)
        .properties(title=title, description=f"{TITLE}. {caption}")
    )


def _row(row: layout.Row) -> layout.Row:
    kept = {"who": row["who"], "where": row["where"], "rank": row["rank"] + 1}
    kept["homogeneity"] = round(row["homogeneity"], DIGITS)
    if is_defined(row.get("low")) and is_defined(row.get("high")):
        kept |= {"low": round(row["low"], DIGITS), "high": round(row["high"], DIGITS)}
    return kept


def _layers(populations: Populations) -> list[alt.Chart]:
    x = alt.X("rank:Q", title="rank by activation", axis=alt.Axis(grid=False, tickCount=5))
    y = alt.Y("homogeneity:Q", title="homogeneity − mean", axis=alt.Axis(tickCount=5))
    tooltip = [
        alt.Tooltip("who:N", title="of"),
        alt.Tooltip("where:N", title="layer"),
        alt.Tooltip("rank:Q", title="ranks around"),
        alt.Tooltip("homogeneity:Q", title="homogeneity above the mean"),
    ]
    bounds = [
        alt.Tooltip("low:Q", title="95 % interval from"),
        alt.Tooltip("high:Q", title="to"),
    ]
    base = alt.Chart().encode(x=x, y=y)
    color = populations.color(line=True)
    band = alt.Chart().transform_filter("isValid(datum.low)").mark_area(opacity=0.22)
    return [
        layout.zero_line(),
        band.encode(x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=color, tooltip=[*tooltip, *bounds]),
        base.mark_line(strokeWidth=2).encode(color=color, strokeDash=populations.dash()),
        base.mark_point(opacity=0, size=60, filled=True).encode(color=color, tooltip=tooltip),
    ]
