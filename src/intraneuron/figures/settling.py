"""Settling: how far two texts agree on core tokens, by their length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import altair as alt

from intraneuron.figures import layout
from intraneuron.figures.palette import POPULATION_COLORS, POPULATION_DASHES, POPULATION_SHAPES, POPULATIONS

TITLE = "How much text settles the core tokens?"
CAPTION = (
    "Points: two texts of this length, made of the study's own, compared. Lines: the law of the longest of them, "
    "carried on. Across: settled. Upright: the text that this study read."
)
NAMES = {"correlation": "correlation", "overlap": "tokens in common"}
HEIGHT = 120
DIGITS = 4

MANY = 300
"""Times the shortest text from which on only powers of ten are marked."""

MARGIN = 1.15
"""Times the shortest and the longest text that the axis goes on."""


def settling(summary: Mapping[str, Any], width: int = 640) -> alt.FacetChart | alt.LayerChart:
    """Draw the agreement of two texts by their length, a panel a layer and number, with the laws fitted to it."""
    reliability = summary.get("reliability") or {}
    curve = layout.drawable(reliability.get("curve") or (), "tokens", "agreement")
    title = layout.heading(TITLE, CAPTION, width - 60)
    if not curve:
        return layout.nothing(title, "No text was read, or it is too short to be compared with itself.", width)
    ends = [_end(row) for row in reliability.get("settled") or () if row["population"] == "neurons"]
    names = list(dict.fromkeys(_panel(row) for row in curve))
    columns, inner = layout.facet_grid(width, len(names), 210)
    panels = alt.layer(*_layers(curve, ends), data=layout.values([*(_point(row) for row in curve), *ends]))
    return (
        panels.properties(width=inner, height=HEIGHT)
        .facet(facet=alt.Facet("where:N", sort=names, title=None), columns=columns, spacing=layout.SPACING)
        .properties(title=title, description=f"{TITLE} {CAPTION}")
    )


def _panel(row: Mapping[str, Any]) -> str:
    return f"{layout.layer_name(row['layer'])}: {NAMES[row['number']]}"


def _point(row: Mapping[str, Any]) -> layout.Row:
    kept = {"where": _panel(row), "who": layout.population_name(row), "kind": row["kind"]}
    return kept | {"tokens": round(row["tokens"]), "agreement": round(row["agreement"], DIGITS)}


def _end(row: Mapping[str, Any]) -> layout.Row:
    """Return where the lines across and upright stand in a panel."""
    return {"where": _panel(row), "kind": "end", "wanted": row["wanted"], "read": round(row["read"])}


def _channels(curve: list[layout.Row]) -> tuple[alt.Color, alt.StrokeDash, alt.Shape]:
    """Return colour, dash and shape of the populations that a text was read for."""
    there = {row["population"] for row in curve}
    names = [name for name in POPULATIONS if name in there]
    labels = [layout.population_name({"population": name}) for name in names]

    def scale(channel: Mapping[str, Any]) -> alt.Scale:
        return alt.Scale(domain=labels, range=[channel[name] for name in names])

    legend = alt.Legend(orient="top", direction="horizontal", offset=8, symbolSize=110, symbolStrokeWidth=0)
    return (
        alt.Color("who:N", scale=scale(POPULATION_COLORS), title=None, legend=legend),
        alt.StrokeDash("who:N", scale=scale(POPULATION_DASHES), title=None, legend=None),
        alt.Shape("who:N", scale=scale(POPULATION_SHAPES), title=None, legend=legend),
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten in a range; the powers alone where these are many.

    >>> _ticks(40_000, 1_100_000)
    [50000.0, 100000.0, 200000.0, 500000.0, 1000000.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [m * 10.0**p for p in powers for m in ((1, 2, 5) if high / low < MANY else (1,))]
    return [tick for tick in every if low <= tick <= high]


def _layers(curve: list[layout.Row], ends: list[layout.Row]) -> list[alt.Chart]:
    length = [*(row["tokens"] for row in curve), *(row["read"] for row in ends)]
    ends_at = [min(length) / MARGIN, max(length) * MARGIN]
    ticks = alt.Axis(format="~s", grid=False, values=_ticks(*ends_at), labelOverlap=True)
    scale = alt.Scale(type="log", nice=False, domain=ends_at)
    x = alt.X("tokens:Q", title="tokens of text", scale=scale, axis=ticks)
    y = alt.Y("agreement:Q", title="agreement", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    color, dash, shape = _channels(curve)
    tooltip = [
        alt.Tooltip("who:N", title="of"),
        alt.Tooltip("where:N", title="panel"),
        alt.Tooltip("tokens:Q", title="tokens of text", format=","),
        alt.Tooltip("agreement:Q", title="agreement"),
    ]
    end = alt.Chart().transform_filter("datum.kind == 'end'")
    settled = [alt.Tooltip("wanted:Q", title="settled from")]
    read = [alt.Tooltip("read:Q", title="tokens that this study read", format=",")]
    return [
        end.mark_rule(strokeWidth=1).encode(y=alt.Y("wanted:Q"), tooltip=settled),
        end.mark_rule(strokeWidth=1, strokeDash=[2, 2]).encode(x=alt.X("read:Q"), tooltip=read),
        alt.Chart()
        .transform_filter("datum.kind == 'law'")
        .mark_line(strokeWidth=2)
        .encode(x=x, y=y, color=color, strokeDash=dash, tooltip=tooltip),
        alt.Chart()
        .transform_filter("datum.kind == 'observed'")
        .mark_point(filled=True, opacity=1, size=46, strokeWidth=0.5)
        .encode(x=x, y=y, color=color, shape=shape, tooltip=tooltip),
    ]
