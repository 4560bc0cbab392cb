"""Calibration: whether tests keep their size, what projection alone does, and what planted relations they see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from intraneuron.data.display import number, percent
from intraneuron.figures import layout, palette

TITLE = "Do the tests keep their size, and what could they see?"
CAPTION = (
    "Left: share of shuffled neurons with so small a p, over that p; grey are the bounds, red is out of them. Right: "
    "shares with p ≤ 0.05 where there is no shuffle; a cloud without meaning shows what reading a direction does. "
    "Below: share of made-up neurons with p < 0.05, by the strength of the planted relation."
)
LEVEL = 0.05
STEP, HEIGHT = 15, 170
NAMES, LEGEND, MOST = 150, 130, 2.5
OUT_COLOR, CLOUD_COLOR = "#CC3311", "#AA3377"
WHO = {"cloud": "cloud without meaning", **palette.POPULATION_LABELS}
CURVES = ("ami", "distance_r", "peak", "top_down_eta2", "mrpp_a", "interleaving")
"""Numbers whose power is drawn: those that patterns rest on."""

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def calibration(tables: Tables, width: int = 920) -> alt.VConcatChart | alt.LayerChart:
    """Draw sizes with their bounds, shares of the cloud and the study's populations, and curves of power."""
    size = layout.drawable(tables.get("size") or (), "ratio", "ratio_low", "ratio_high")
    title = layout.heading(TITLE, CAPTION, width - 60)
    if not size:
        return layout.nothing(title, "No test has a p that is defined.", width)
    parts = [_sizes(size, width)]
    power = [row for row in layout.drawable(tables.get("power") or (), "strength", "share_p") if _is_curve(row)]
    if power:
        parts.append(_powers(power, width))
    return alt.vconcat(*parts, spacing=30, title=title, description=f"{TITLE} {CAPTION}").resolve_scale(
        color="independent", shape="independent", strokeDash="independent"
    )


def _sizes(size: list[layout.Row], width: int) -> alt.HConcatChart:
    levels = list(dict.fromkeys(row["level"] for row in size))
    names = list(dict.fromkeys(row["test"] for row in size))
    inner = (width - NAMES - layout.SPACING * len(levels)) // (len(levels) + 1)
    panels = [
        _ratios([row for row in size if row["level"] == level], names, inner, not i) for i, level in enumerate(levels)
    ]
    shares = _shares([row for row in size if row["level"] == LEVEL], names, inner)
    return alt.hconcat(*panels, shares, spacing=layout.SPACING).resolve_scale(color="independent", shape="independent")


def _tests(names: list[str], named: bool) -> alt.Y:
    axis = alt.Axis(labelLimit=NAMES, labelFontSize=10, grid=True, ticks=False, domain=False) if named else None
    return alt.Y("test:N", sort=names, title=None, axis=axis)


def _ratios(rows: list[layout.Row], names: list[str], inner: int, named: bool) -> alt.LayerChart:
    shown = [_ratio(row) for row in rows]
    scale = alt.Scale(domain=[0, MOST], clamp=True, nice=False)
    y = _tests(names, named)
    x = alt.X("ratio:Q", title="over the level", scale=scale, axis=alt.Axis(tickCount=5))
    verdicts = alt.Scale(domain=list(VERDICTS), range=list(VERDICTS.values()))
    color = alt.Color("verdict:N", scale=verdicts, title=None, legend=_legend() if named else None)
    tooltip = [
        alt.Tooltip("test:N", title="test"),
        alt.Tooltip("share:N", title="share of shuffles"),
        alt.Tooltip("told:N", title="over the level [95 %]"),
        alt.Tooltip("allowed:N", title="allowed"),
        alt.Tooltip("shuffles:Q", title="shuffles"),
    ]
    base = alt.Chart(layout.values(shown))
    band = base.mark_bar(opacity=0.18, color=palette.BAND_COLOR, height=STEP, tooltip=None)
    return alt.layer(
        band.encode(x=alt.X("bound_low:Q", scale=scale), x2="bound_high:Q", y=y),
        base.mark_rule(strokeWidth=1.6).encode(
            x=alt.X("ratio_low:Q", scale=scale), x2="ratio_high:Q", y=y, color=color, tooltip=tooltip
        ),
        base.mark_point(filled=True, opacity=1, size=36, strokeWidth=0.5).encode(
            x=x, y=y, color=color, tooltip=tooltip
        ),
        title=alt.TitleParams(f"size at p ≤ {rows[0]['level']:g}", fontSize=11.5, offset=8),
        width=inner,
        height=alt.Step(STEP),
    )


VERDICTS = {"within bounds": "#0072B2", "out of bounds": OUT_COLOR, "too few shuffles": "#8A8A8A"}
"""What is said of a size, and its colour."""


def _ratio(row: layout.Row) -> layout.Row:
    kept = {name: row[name] for name in ("test", "ratio", "bound_low", "bound_high", "shuffles")}
    verdict = "too few shuffles" if not row["enough"] else "out of bounds" if row["out"] else "within bounds"
    return kept | {
        "ratio_low": row["ratio_low"],
        "ratio_high": min(row["ratio_high"], MOST),
        "share": percent(row["share"]),
        "told": f"{number(row['ratio'], 2)} [{number(row['ratio_low'], 2)}, {number(row['ratio_high'], 2)}]",
        "allowed": f"{row['bound_low']:g} to {row['bound_high']:g}",
        "verdict": verdict,
    }


def _shares(rows: list[layout.Row], names: list[str], inner: int) -> alt.LayerChart:
    shown = [
        {"test": row["test"], "who": label, "share": row[f"share_{name}"], "shown": percent(row[f"share_{name}"])}
        for name, label in WHO.items()
        for row in layout.drawable(rows, f"share_{name}")
    ]
    color = {"cloud": CLOUD_COLOR, **palette.POPULATION_COLORS}
    shape = {"cloud": "triangle-up", **palette.POPULATION_SHAPES}
    axis = alt.Axis(format="%", tickCount=4)
    x = alt.X("share:Q", title="share of neurons", scale=alt.Scale(domain=[0, 1], nice=False), axis=axis)
    tooltip = [
        alt.Tooltip("test:N", title="test"),
        alt.Tooltip("who:N", title="of"),
        alt.Tooltip("shown:N", title="share"),
    ]
    colors = alt.Scale(domain=list(WHO.values()), range=[color[name] for name in WHO])
    shapes = alt.Scale(domain=list(WHO.values()), range=[shape[name] for name in WHO])
    point = alt.Chart(layout.values(shown)).mark_point(filled=True, opacity=0.9, size=40, strokeWidth=0.5)
    line = alt.Chart(layout.values([{"share": LEVEL}])).mark_rule(strokeDash=[4, 2], strokeWidth=1.2, tooltip=None)
    return alt.layer(
        line.encode(x=x),
        point.encode(
            x=x,
            y=_tests(names, named=False),
            color=alt.Color("who:N", scale=colors, title=None, legend=_legend()),
            shape=alt.Shape("who:N", scale=shapes, title=None, legend=_legend()),
            tooltip=tooltip,
        ),
        title=alt.TitleParams(f"share with p ≤ {LEVEL:g}", fontSize=11.5, offset=8),
        width=inner,
        height=alt.Step(STEP),
    )


def _legend() -> alt.Legend:
    return alt.Legend(orient="bottom", columns=1, offset=8)


def _is_curve(row: Mapping[str, Any]) -> bool:
    return row["kind"] != "none" and row["number"] in CURVES


def _powers(power: list[layout.Row], width: int) -> alt.FacetChart:
    rows = [
        {
            "number": row["number"],
            "strength": row["strength"],
            "share": row["share_p"],
            "shown": percent(row["share_p"]),
        }
        | {"panel": f"{row['kind']}, {row['noise']:.0%} noise"}
        for row in power
    ]
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    columns, inner = layout.facet_grid(width - NAMES - LEGEND, len(panels), 200)
    scale = alt.Scale(domain=list(CURVES), range=list(palette.CATEGORY_COLORS[: len(CURVES)]))
    shape = alt.Scale(domain=list(CURVES), range=list(palette.CATEGORY_SHAPES[: len(CURVES)]))
    tooltip = [
        alt.Tooltip("number:N", title="number"),
        alt.Tooltip("strength:Q", title="planted strength"),
        alt.Tooltip("shown:N", title="found"),
    ]
    base = alt.Chart().encode(
        x=alt.X("strength:Q", title="planted strength", axis=alt.Axis(tickCount=5, grid=False)),
        y=alt.Y("share:Q", title="found at p < 0.05", axis=alt.Axis(format="%", tickCount=5)),
        color=alt.Color("number:N", scale=scale, title=None),
    )
    point = base.mark_point(filled=True, opacity=1, size=34, strokeWidth=0.5)
    layers = [
        base.mark_line(strokeWidth=1.8, tooltip=None),
        point.encode(shape=alt.Shape("number:N", scale=shape, title=None), tooltip=tooltip),
    ]
    return (
        alt.layer(*layers, data=layout.values(rows))
        .properties(width=inner, height=HEIGHT)
        .facet(facet=alt.Facet("panel:N", sort=panels, title=None), columns=columns, spacing=layout.SPACING)
    )
