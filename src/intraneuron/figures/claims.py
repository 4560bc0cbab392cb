"""The claims: each number of the neurons with its interval, beside the twins, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import altair as alt

from intraneuron.data.display import is_defined, percent, sentence
from intraneuron.figures import layout
from intraneuron.figures.claim_rows import interval, written
from intraneuron.figures.palette import POPULATION_LABELS, POPULATIONS
from intraneuron.figures.populations import Populations
from intraneuron.figures.reference import reference
from intraneuron.pipeline.numbers import reference_of

TITLE = "The paper's claims in this model"
CAPTION = (
    "Blue: the neurons' mean and its 95 % interval. What counts is its distance from the {marks}, {directions}; the "
    "distance from the dashed line of chance overstates it."
)
HEIGHT = 96
SHIFT = {"neurons": 0.0, "rotated": 0.17, "untrained": 0.29, "readout": 0.41, "shuffled": -0.17, "frequency": -0.29}
LABEL_ROOM = 46


def claims(summary: Mapping[str, Any], width: int = 640) -> alt.ConcatChart | alt.LayerChart:
    """Draw a panel a number: dots with whiskers for the neurons, marks for the twins, a line for chance."""
    rows = [row for row in layout.by_layer(summary.get("claims") or ()) if _drawn(row)]
    twin = reference(summary)
    caption = CAPTION.format(marks=twin.marks, directions=twin.directions)
    title = layout.heading(TITLE, caption, width - 60)
    if not rows:
        return layout.nothing(title, "No claim could be tested: no neuron has enough core tokens.", width)
    numbers = list(dict.fromkeys(row["number"] for row in rows))
    columns, inner = layout.panel_grid(width, len(numbers), 285)
    panels = [_panel([row for row in rows if row["number"] == name], inner, width) for name in numbers]
    return alt.concat(*panels, columns=columns, spacing=layout.SPACING, title=title, description=f"{TITLE}. {caption}")


def _drawn(row: layout.Row) -> bool:
    return any(is_defined(row.get(name)) for name in POPULATION_LABELS)


def _panel(rows: list[layout.Row], inner: int, width: int) -> alt.LayerChart:
    rows = sorted(rows, key=lambda row: -1 if row["layer"] is None else row["layer"])
    facts = [_facts(row) | {"place": place} for place, row in enumerate(rows)]
    points = [
        row | {"who": POPULATION_LABELS[name], "value": row[name], "at": row["place"] + SHIFT[name]}
        for row in facts
        for name in reversed(POPULATIONS)
        if is_defined(row.get(name))
    ]
    own = {"who": POPULATION_LABELS["neurons"]}
    whiskers = [row | own | {"at": row["place"]} for row in layout.drawable(facts, "neurons_low", "neurons_high")]
    chance = [{"value": float(rows[0].get("expected_by_chance") or 0)}]
    x, y, y2 = _x(rows, inner), _y("value"), _y("neurons_low")
    size = min(58.0, max(14.0, (inner / len(rows) / 2.6) ** 2))
    populations = Populations.of(points, width)
    color, tooltip = populations.color(), _tooltip(rows[0])
    rule = alt.Chart(layout.values(chance)).mark_rule(strokeDash=[4, 2], strokeWidth=1.2)
    whisker = alt.Chart(layout.values(whiskers)).mark_rule(strokeWidth=2)
    point = alt.Chart(layout.values(points)).mark_point(filled=True, opacity=1, size=size, strokeWidth=0.5)
    return alt.layer(
        rule.encode(y=y, tooltip=alt.Tooltip("value:Q", title="expected by chance")),
        whisker.encode(x=x, y=y2, y2=alt.Y2("neurons_high:Q"), color=color, tooltip=tooltip),
        point.encode(x=x, y=y, color=color, shape=populations.shape(), tooltip=tooltip),
        title=_heading(rows[0], inner),
        width=inner,
        height=HEIGHT,
    )


def _x(rows: list[layout.Row], inner: int) -> alt.X:
    """Place the layers side by side, the mean over them first."""
    prefix = "layer " if inner / len(rows) >= LABEL_ROOM else ""
    names = ["all" if row["layer"] is None else f"{prefix}{row['layer']}" for row in rows]
    axis = alt.Axis(
        **{"values": list(range(len(rows))), "labelExpr": f"{json.dumps(names)}[datum.value]"},
        **{"title": None if prefix else "layer", "grid": False, "labelOverlap": True},
    )
    return alt.X("at:Q", scale=alt.Scale(domain=[-0.5, len(rows) - 0.5], nice=False, zero=False), axis=axis)


def _y(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", title=None, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=4))


def _heading(row: layout.Row, inner: int) -> alt.TitleParams:
    text = f"{row['claim']}: {sentence(str(row['title']))}"
    return layout.panel_heading(text, inner)


def _facts(row: layout.Row) -> layout.Row:
    """Add to a row the texts of its tooltip."""
    names, twin = (*POPULATIONS, "neurons_low", "neurons_high"), reference_of(row)
    kept = {name: row[name] if is_defined(row.get(name)) else None for name in names}
    return kept | {
        "where": row["where"],
        "title": row["title"],
        "own": interval(row, "neurons"),
        **{f"said_{name}": written(row, name) for name in POPULATIONS[1:] if name in row},
        "left": interval(row, "difference"),
        "passed": f"{percent(row.get('share_neurons'))} ({twin} {percent(row.get(f'share_{twin}'))})",
    }


def _tooltip(row: layout.Row) -> list[alt.Tooltip]:
    twins = [name for name in POPULATIONS[1:] if name in row]
    return [
        alt.Tooltip("title:N", title="number"),
        alt.Tooltip("where:N", title="layer"),
        alt.Tooltip("own:N", title="neurons [95 %]"),
        *(alt.Tooltip(f"said_{name}:N", title=POPULATION_LABELS[name]) for name in twins),
        alt.Tooltip("left:N", title=f"neurons − {reference_of(row)} [95 %]"),
        alt.Tooltip("passed:N", title="neurons with p < 0.05"),
    ]
