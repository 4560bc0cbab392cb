"""The full range: how alike the tokens of each activation percentile are, over the whole vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from intraneuron.data.display import is_defined
from intraneuron.figures import layout
from intraneuron.figures.populations import Populations
from intraneuron.figures.reference import reference

TITLE = "Homogeneity of meaning over the full range of activation"
CAPTION = (
    "Percentiles of all eligible tokens, not of core tokens; right: the most active. 0 is as many random tokens. Where "
    "the solid line leaves the {color} one, tokens of a percentile are more or less alike than those of {directions}: "
    "only that gap is the neurons' own."
)
HEIGHT = 130
DIGITS = 5


def full_range(summary: Mapping[str, Any], width: int = 640) -> alt.FacetChart | alt.LayerChart:
    """Draw homogeneity above that of random tokens by percentile of activation, a panel a layer.

    The band is the 95 % interval of the neurons' mean.
    """
    found = (summary.get("full_range") or {}).get("profile") or ()
    rows = layout.by_layer(layout.drawable(found, "percentile", "above"))
    twin = reference(summary)
    caption = CAPTION.format(color=twin.color, directions=twin.directions)
    title = layout.heading(TITLE, caption, width - 60)
    names = layout.layer_names(rows)
    if not rows:
        return layout.nothing(
            title, "No full range: it was not asked for (--full-range), or no percentile has three tokens.", width
        )
    columns, inner = layout.facet_grid(width, len(names), 210, axis=64)
    panels = alt.layer(*_layers(Populations.of(rows, width)), data=layout.values([_row(row) for row in rows]))
    facet = alt.Facet("where:N", sort=names, title=None)
    return (
        panels.properties(width=inner, height=HEIGHT)
        .facet(facet=facet, columns=columns, spacing=layout.SPACING)
        .properties(title=title, description=f"{TITLE}. {caption}")
    )


def _row(row: layout.Row) -> layout.Row:
    kept = {name: row[name] for name in ("who", "where", "percentile")}
    kept["above"] = round(row["above"], DIGITS)
    if row.get("population") == "neurons" and is_defined(row.get("low")) and is_defined(row.get("high")):
        kept |= {"low": round(row["low"], DIGITS), "high": round(row["high"], DIGITS)}
    return kept


def _layers(populations: Populations) -> list[alt.Chart]:
    scale = alt.Scale(domain=[0, 100], nice=False)
    axis = alt.Axis(grid=False, values=[0, 25, 50, 75, 100])
    x = alt.X("percentile:Q", title="percentile of activation", scale=scale, axis=axis)
    y = alt.Y("above:Q", title="homogeneity − random", axis=alt.Axis(tickCount=5))
    tooltip = [
        alt.Tooltip("who:N", title="of"),
        alt.Tooltip("where:N", title="layer"),
        alt.Tooltip("percentile:Q", title="percentile"),
        alt.Tooltip("above:Q", title="homogeneity above random tokens"),
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
