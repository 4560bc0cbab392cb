"""Distributions over neurons of the agreement (C1) and of the interleaving (C4), over those of the twins."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import altair as alt

from intraneuron.data.display import number, percent
from intraneuron.figures import layout
from intraneuron.figures.populations import Populations
from intraneuron.figures.reference import reference

TITLE = "How strong the relation is, neuron by neuron"
CAPTION = (
    "Where the filled shape lies over the {color} outline, the neurons show what {directions} "
    "show as well; the upright line is what chance would give. Ends under 0.1 % are cut."
)
PANELS = {
    "ami": ("Agreement of categories and segments (C1)", "adjusted mutual information (AMI)", 0.0),
    "interleaving": ("Interleaving of categories (C4)", "interleaving (0: disjoint zones)", 1.0),
}
HEIGHT = 150
ROOM = 1.14
CUT = 0.001


def distributions(summary: Mapping[str, Any], width: int = 640) -> alt.ConcatChart | alt.LayerChart:
    """Draw a histogram a number: neurons filled, twins as outlines, the chance value as a line."""
    rows = layout.drawable(summary.get("distributions") or (), "low", "high", "share")
    twin = reference(summary)
    caption = CAPTION.format(color=twin.color, directions=twin.directions)
    title = layout.heading(TITLE, caption, width - 60)
    present = [name for name in PANELS if any(row["number"] == name for row in rows)]
    if not present:
        return layout.nothing(title, "No distribution: no neuron was tested.", width)
    columns, inner = layout.panel_grid(width, len(present), 290)
    panels = [_panel(name, [row for row in rows if row["number"] == name], inner, width) for name in present]
    return alt.concat(*panels, columns=columns, spacing=layout.SPACING, title=title, description=f"{TITLE}. {caption}")


def _panel(name: str, rows: list[layout.Row], inner: int, width: int) -> alt.LayerChart:
    heading, axis, chance = PANELS[name]
    bins = [
        row
        | {"who": layout.population_name(row), "shown": percent(row["share"])}
        | {"zero": 0, "range": f"{number(row['low'], 2)} to {number(row['high'], 2)}"}
        for row in rows
    ]
    x = alt.X("low:Q", title=axis, scale=_reach(bins, chance), axis=alt.Axis(grid=False, tickCount=6))
    tallest = max(row["share"] for row in rows) or 1.0
    y_scale = alt.Scale(domain=[0, ROOM * tallest], nice=False)
    y = alt.Y("share:Q", title="share of neurons", scale=y_scale, axis=alt.Axis(format="%", tickCount=4))
    populations = Populations.of(bins, width)
    color = populations.color(line=True)
    own = [row for row in bins if row["population"] == "neurons" and row["share"] > CUT]
    bars = alt.Chart(layout.values(own)).mark_rect(opacity=0.3)
    outline = alt.Chart(layout.values(_outlines(bins))).mark_line(strokeWidth=1.8, strokeJoin="miter", tooltip=None)
    line = alt.Chart(layout.values([{"at": chance, "text": "by chance"}]))
    return alt.layer(
        bars.encode(x=x, x2=alt.X2("high:Q"), y=y, y2=alt.Y2("zero:Q"), color=color, tooltip=_tooltip()),
        outline.encode(x=x, y=y, color=color, strokeDash=populations.dash(), order=alt.Order("turn:Q")),
        line.mark_rule(strokeWidth=1.2, strokeDash=[4, 2]).encode(x=alt.X("at:Q"), tooltip=_chance()),
        line.mark_text(align="left", dx=4, baseline="top", style="soft-text", fontSize=10).encode(
            x=alt.X("at:Q"), y=alt.YValue(0), text=alt.Text("text:N"), tooltip=_chance()
        ),
        title=alt.TitleParams(heading, fontSize=11.5, offset=8),
        width=inner,
        height=HEIGHT,
    )


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("who:N", title="of"),
        alt.Tooltip("range:N", title="between"),
        alt.Tooltip("shown:N", title="share"),
    ]


def _chance() -> list[alt.Tooltip]:
    return [alt.Tooltip("at:Q", title="value expected by chance")]


def _reach(bins: list[layout.Row], chance: float) -> alt.Scale:
    seen = [row for row in bins if row["share"] > CUT] or bins
    low, high = min(row["low"] for row in seen), max(row["high"] for row in seen)
    return alt.Scale(domain=[min(low, chance), max(high, chance)], zero=False, nice=False)


def _outlines(bins: list[layout.Row]) -> list[layout.Row]:
    """Turn bins into the corners of a step line for each population, without the cut ends."""
    corners: list[layout.Row] = []
    for who, group in groupby(sorted(bins, key=lambda row: (row["who"], row["low"])), lambda row: row["who"]):
        some = list(group)
        filled = [index for index, row in enumerate(some) if row["share"] > CUT]
        some = some[filled[0] : filled[-1] + 1] if filled else []
        path = [(row[edge], row["share"]) for row in some for edge in ("low", "high")]
        if path:
            path = [(path[0][0], 0.0), *path, (path[-1][0], 0.0)]
        corners += [{"who": who, "low": at, "share": share, "turn": turn} for turn, (at, share) in enumerate(path)]
    return corners
