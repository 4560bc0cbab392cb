"""Studies side by side: the means of each, what is the neurons' own by layer, and the change from one to another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from intraneuron.data.display import number, sentence
from intraneuron.figures import layout, palette
from intraneuron.figures.reference import REFERENCES

MEANS_TITLE = "The studies side by side"
OWN_TITLE = "What is the neurons' own, layer by layer"
CHANGES_TITLE = "What changes from {first} to {second}"
MEANS_CAPTION = (
    "Means over neurons and over {twins}, with 95 % intervals, over all layers that are compared. What is the neurons' "
    "own is the distance between the two."
)
OWN_CAPTION = "Neurons minus {twins}, with 95 % intervals; 0: no more than in random directions."
CHANGES_CAPTION = (
    "{second} minus {first}, with 95 % intervals: of the neurons, of {twins}, and of what is the neurons' own. An "
    "interval that holds 0 leaves open which way it went."
)
HEIGHT, LEAST = 104, 285
OWN_LABEL, OWN_COLOR = "own: neurons − twins", "#009E73"
SHIFT = {"neurons": -0.16, "twin": 0.0, "own": 0.16}
MEANS_SHIFT = {"neurons": -0.07, "twin": 0.07}
LAYER_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
LAYER_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
MOST_LAYERS = len(LAYER_COLORS)
"""Layers that are told apart by colour and shape; where there are more, evenly spaced ones are drawn."""

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def letter(index: int) -> str:
    """Return what a study is called where its name has no room.

    >>> letter(0), letter(2), letter(26)
    ('A', 'C', 'S27')
    """
    return chr(ord("A") + index) if index < 26 else f"S{index + 1}"


def key(tables: Tables) -> str:
    """Say which letter stands for which study."""
    return "; ".join(f"{letter(i)}: {row['study']}" for i, row in enumerate(tables["studies"])) + "."


def means(tables: Tables, width: int = 640) -> alt.ConcatChart | alt.LayerChart:
    """Draw a panel a number: neurons and twins of every study, with intervals."""
    twin = _twin(tables)
    order = _order(tables)
    rows = [
        row | {"at": order[row["study"]] + MEANS_SHIFT[row["of"]], "who": _who(row["of"], twin), "where": row["study"]}
        for row in layout.drawable(tables["means"], "value")
        if row["layer"] is None and row["of"] in MEANS_SHIFT
    ]
    title = layout.heading(MEANS_TITLE, f"{MEANS_CAPTION.format(twins=twin)} {key(tables)}", width - 60)
    return _grid(
        rows, "value", [letter(i) for i in range(len(order))], _marks(twin, own=False), title, width, line=True
    )


def own(tables: Tables, width: int = 640) -> alt.ConcatChart | alt.LayerChart:
    """Draw a panel a number: what is the neurons' own in every study, a line a layer."""
    order = _order(tables)
    places = [row["layers"] for row in tables["studies"]]
    drawn = _evenly(len(places[0]), MOST_LAYERS)
    names = {at: _layer_label([str(some[at]) for some in places]) for at in drawn}
    rows = []
    for row in layout.drawable(tables["means"], "value"):
        if row["of"] == "own" and row["layer"] is not None:
            at = list(places[order[row["study"]]]).index(row["layer"])
            if at in names:
                shift = 0.1 * (drawn.index(at) - (len(drawn) - 1) / 2)
                rows.append(row | {"at": order[row["study"]] + shift, "who": names[at], "where": row["study"]})
    marks = {name: (LAYER_COLORS[i], LAYER_SHAPES[i], [1, 0]) for i, name in enumerate(names.values())}
    title = layout.heading(OWN_TITLE, f"{OWN_CAPTION.format(twins=_twin(tables))} {key(tables)}", width - 60)
    labels = [letter(i) for i in range(len(order))]
    return _grid(rows, "value", labels, marks, title, width, line=True, zero=True)


def changes(tables: Tables, first: str, second: str, width: int = 640) -> alt.ConcatChart | alt.LayerChart:
    """Draw a panel a number: one study minus another, over all layers and by layer, with intervals."""
    twin = _twin(tables)
    given = [
        row for row in layout.drawable(tables["changes"], "change") if (row["first"], row["second"]) == (first, second)
    ]
    places = list(dict.fromkeys((row["layer_first"], row["layer_second"]) for row in given))
    if len(places) == 2:  # one layer, and the mean over it
        places = places[1:]
    labels = ["all" if a is None else _layer_label([str(a), str(b)]) for a, b in places]
    rows = [
        row
        | {"at": places.index(place) + SHIFT[row["of"]], "who": _who(row["of"], twin)}
        | {"where": labels[places.index(place)]}
        for row in given
        if (place := (row["layer_first"], row["layer_second"])) in places
    ]
    letters = {row["study"]: letter(i) for i, row in enumerate(tables["studies"])}
    told = {"first": letters[first], "second": letters[second]}
    caption = f"{CHANGES_CAPTION.format(**told, twins=twin)} {key(tables)}"
    title = layout.heading(CHANGES_TITLE.format(**told), caption, width - 60)
    return _grid(rows, "change", labels, _marks(twin, own=True), title, width, zero=True)


def _order(tables: Tables) -> dict[str, int]:
    return {row["study"]: index for index, row in enumerate(tables["studies"])}


def _twin(tables: Tables) -> str:
    """Name the twin of all studies; where they differ there is no one name."""
    names = {str(row["twin"]) for row in tables["studies"]}
    return palette.POPULATION_LABELS[names.pop()] if len(names) == 1 else "twins"


def _who(of: str, twin: str) -> str:
    return {"neurons": "neurons", "twin": twin, "own": OWN_LABEL}[of]


Marks = dict[str, tuple[str, str, list[int]]]
"""By label: colour, shape, dash."""


def _marks(twin: str, *, own: bool) -> Marks:
    name = next((n for n in REFERENCES if palette.POPULATION_LABELS[n] == twin), "rotated")
    found: Marks = {
        label: (palette.POPULATION_COLORS[n], palette.POPULATION_SHAPES[n], list(palette.POPULATION_DASHES[n]))
        for label, n in (("neurons", "neurons"), (twin, name))
    }
    return found | ({OWN_LABEL: (OWN_COLOR, "triangle-up", [1, 0])} if own else {})


def _evenly(count: int, most: int) -> list[int]:
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})


def _layer_label(layers: Sequence[str]) -> str:
    """Name a layer, or the layers that stand for each other.

    >>> _layer_label(["1", "1"]), _layer_label(["0", "3"])
    ('layer 1', 'layer 0→3')
    """
    return f"layer {layers[0]}" if len(set(layers)) == 1 else f"layer {'→'.join(layers)}"


def _grid(
    rows: Sequence[layout.Row],
    field: str,
    labels: Sequence[str],
    marks: Marks,
    title: alt.TitleParams,
    width: int,
    *,
    line: bool = False,
    zero: bool = False,
) -> alt.ConcatChart | alt.LayerChart:
    """Draw a panel a number, all with one legend."""
    if not rows:
        return layout.nothing(title, "No number is defined in these studies.", width)
    names = list(dict.fromkeys(row["number"] for row in rows))
    columns, inner = layout.panel_grid(width, len(names), LEAST)
    there = {label: mark for label, mark in marks.items() if any(row["who"] == label for row in rows)}
    look = _look(there, width)
    panels = [
        _panel([_told(row, field) for row in rows if row["number"] == name], field, labels, look, inner, line, zero)
        for name in names
    ]
    said = " ".join([*title.text, *title.subtitle])
    return alt.concat(*panels, columns=columns, spacing=layout.SPACING, title=title, description=said)


def _told(row: layout.Row, field: str) -> layout.Row:
    """Keep what a panel draws of a row, and the texts of its tooltip."""
    low, high = row.get("low"), row.get("high")
    bounds = f" [{number(low, 4)}, {number(high, 4)}]" if layout.drawable([row], "low", "high") else ""
    kept = {name: row[name] for name in ("claim", "number", "title", "where", "who", "at", field)}
    ends = {"low": low, "high": high} if bounds else {"low": None, "high": None}
    return kept | ends | {"told": number(row[field], 4) + bounds}


def _look(marks: Marks, width: int) -> dict[str, Any]:
    def scale(channel: int) -> alt.Scale:
        return alt.Scale(domain=list(marks), range=[mark[channel] for mark in marks.values()])

    columns = max(1, min(len(marks), width // 150))
    legend = alt.Legend(
        orient="top", direction="horizontal", offset=8, columns=columns, symbolSize=110, symbolDash=[1, 0]
    )
    return {
        "color": alt.Color("who:N", scale=scale(0), title=None, legend=legend),
        "shape": alt.Shape("who:N", scale=scale(1), title=None, legend=legend),
        "strokeDash": alt.StrokeDash("who:N", scale=scale(2), legend=None),
    }


def _panel(
    rows: list[layout.Row],
    field: str,
    labels: Sequence[str],
    look: Mapping[str, Any],
    inner: int,
    line: bool,
    zero: bool,
) -> alt.LayerChart:
    axis = alt.Axis(
        **{"values": list(range(len(labels))), "labelExpr": f"{json.dumps(_short(labels, inner))}[datum.value]"},
        **{"title": None, "grid": False, "labelOverlap": False},
    )
    x = alt.X("at:Q", scale=alt.Scale(domain=[-0.5, len(labels) - 0.5], nice=False, zero=False), axis=axis)
    tooltip = [
        alt.Tooltip("title:N", title="number"),
        alt.Tooltip("where:N", title="where"),
        alt.Tooltip("who:N", title="of"),
        alt.Tooltip("told:N", title="value [95 %]"),
    ]
    color, data = look["color"], layout.values(rows)
    whiskers = layout.values([row for row in rows if row["low"] is not None])
    scale = alt.Scale(zero=zero, nice=True)
    y, ends = (alt.Y(f"{name}:Q", title=None, scale=scale, axis=alt.Axis(tickCount=4)) for name in (field, "low"))
    layers = [layout.zero_line()] if zero else []
    if line:
        drawn = alt.Chart(data).mark_line(strokeWidth=1.4, opacity=0.7, tooltip=None)
        layers.append(drawn.encode(x=x, y=y, color=color, strokeDash=look["strokeDash"], detail="who:N"))
    whisker, point = alt.Chart(whiskers).mark_rule(strokeWidth=1.8), alt.Chart(data)
    layers.append(whisker.encode(x=x, y=ends, y2=alt.Y2("high:Q"), color=color, tooltip=tooltip))
    marked = point.mark_point(filled=True, opacity=1, size=52, strokeWidth=0.5)
    layers.append(marked.encode(x=x, y=y, color=color, shape=look["shape"], tooltip=tooltip))
    text = f"{rows[0]['claim']}: {sentence(str(rows[0]['title']))}"
    return alt.layer(*layers, title=layout.panel_heading(text, inner), width=inner, height=HEIGHT)


def _short(labels: Sequence[str], inner: int) -> list[str]:
    """Leave the word layer out where it has no room."""
    room = inner / max(1, len(labels))
    long = max(layout.text_width(label, 10.5) for label in labels) > room
    return [label.removeprefix("layer ") for label in labels] if long else list(labels)
