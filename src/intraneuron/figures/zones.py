"""Zones: the segments of activation as columns, and the steps that show how alike their tokens are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import altair as alt

from intraneuron.data.card import CardSegment
from intraneuron.data.display import is_defined, measure, number, p_value
from intraneuron.figures import palette
from intraneuron.figures.frame import Frame
from intraneuron.figures.lanes import spread
from intraneuron.figures.layout import Row, text_width, values
from intraneuron.figures.reference import Reference

HEIGHT = 80
SIGNIFICANT = 0.05
LABEL_SIZE = 11
NARROW = 500
OWN = "tokens of the zone"

Steps = dict[str, tuple[str, str, list[int]]]
"""By label: the field of a segment that a step stands for, its colour and its dash."""


def steps_of(twin: Reference) -> Steps:
    """Return the steps that are drawn beside the twins of reference."""
    return {
        OWN: ("homogeneity", palette.POPULATION_COLORS["neurons"], [1, 0]),
        "random tokens of the neuron": ("null", palette.POPULATION_COLORS["shuffled"], [2, 2]),
        _zone_of(twin): ("twin", palette.POPULATION_COLORS[twin.name], [6, 3]),
    }


def _zone_of(twin: Reference) -> str:
    return f"same zone of {twin.name} twins"


@dataclass(frozen=True)
class Zone:
    """A segment with the bounds it is drawn with: halfway to the neighbouring segments."""

    segment: CardSegment
    start: float
    end: float


def find_zones(segments: Sequence[CardSegment], frame: Frame) -> list[Zone]:
    """Tile the frame with the segments that have bounds, least active first."""
    known = [one for one in segments if is_defined(one.low) and is_defined(one.high)]
    known.sort(key=lambda one: one.low)
    inner = [(a.high + b.low) / 2 for a, b in pairwise(known)]
    edges = [frame.axis.low, *inner, frame.axis.high]
    return [Zone(one, edges[index], edges[index + 1]) for index, one in enumerate(known)]


def bands(zones: Sequence[Zone], frame: Frame, axis: bool) -> list[alt.Chart]:
    """Shade every other zone, so that columns can be followed down."""
    rows = [{"start": zone.start, "end": zone.end} for zone in zones[1::2]]
    mark = alt.Chart(values(rows)).mark_rect(color=palette.BAND_COLOR, opacity=0.13, tooltip=None)
    return [mark.encode(x=frame.x("start", axis), x2=alt.X2("end:Q"))] if rows else []


def zone_panel(zones: Sequence[Zone], frame: Frame, twin: Reference) -> alt.LayerChart:
    """Draw one step a zone for its homogeneity and for what it would be without the neuron."""
    kinds = steps_of(twin)
    steps, tooltip = _step_rows(zones, kinds), _tooltip(twin)
    top = _labels(zones, frame, tooltip)
    low, high = _limits(steps)
    y = alt.Y("value:Q", scale=alt.Scale(domain=[low, high], nice=False, zero=False))
    y.axis = alt.Axis(title="homogeneity", tickCount=3, grid=False)
    excess = [row for row in steps if row["what"] == OWN and is_defined(row["null"])]
    fill = alt.Chart(values(excess)).mark_rect(opacity=0.18, color=kinds[OWN][1])
    x = frame.x("start", axis=False)
    color, dash = _scales(frame.width, kinds)
    rule = alt.Chart(values(steps)).mark_rule(strokeWidth=2.5, strokeCap="butt")
    layers = [
        *bands(zones, frame, axis=False),
        fill.encode(x=x, x2=alt.X2("end:Q"), y=y, y2=alt.Y2("null:Q"), tooltip=tooltip),
        rule.encode(x=x, x2=alt.X2("end:Q"), y=y, color=color, strokeDash=dash, tooltip=tooltip),
        *top,
    ]
    return alt.layer(*layers, width=frame.width, height=HEIGHT)


def _step_rows(zones: Sequence[Zone], kinds: Steps) -> list[Row]:
    rows: list[Row] = []
    for zone in zones:
        for what, (field, _, _) in kinds.items():
            value = getattr(zone.segment, field)
            if is_defined(value):
                step = {"what": what, "value": value, "start": zone.start, "end": zone.end}
                rows.append(_facts(zone.segment) | step)
    return rows


def _facts(one: CardSegment) -> Row:
    return {
        "zone": f"{ordinal(one.segment)} ({measure(one.low)} to {measure(one.high)})",
        "size": one.size,
        "homogeneity": number(one.homogeneity),
        "random": number(one.null),
        "twins": number(one.twin),
        "test": f"p {p_value(one.p)}, q {p_value(one.q)}",
        "null": one.null if is_defined(one.null) else None,
    }


def ordinal(segment: int) -> str:
    """Name a zone by its rank of activation.

    >>> ordinal(0), ordinal(2)
    ('zone 1, the most active', 'zone 3')
    """
    return "zone 1, the most active" if segment == 0 else f"zone {segment + 1}"


def _tooltip(twin: Reference) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("zone:N", title="zone"),
        alt.Tooltip("size:Q", title="tokens"),
        alt.Tooltip("homogeneity:N", title="homogeneity"),
        alt.Tooltip("random:N", title="random tokens of the neuron"),
        alt.Tooltip("twins:N", title=_zone_of(twin)),
        alt.Tooltip("test:N", title="against random tokens"),
    ]


def _scales(width: float, kinds: Steps) -> tuple[alt.Color, alt.StrokeDash]:
    legend = alt.Legend(
        **{"orient": "top", "symbolType": "stroke", "symbolSize": 260, "symbolStrokeWidth": 2.5, "offset": 6},
        direction="horizontal" if width > NARROW else "vertical",
    )
    domain = list(kinds)
    colors = alt.Scale(domain=domain, range=[color for _, color, _ in kinds.values()])
    dashes = alt.Scale(domain=domain, range=[dash for _, _, dash in kinds.values()])
    return (
        alt.Color("what:N", scale=colors, title=None, legend=legend),
        alt.StrokeDash("what:N", scale=dashes, title=None, legend=legend),
    )


def _limits(steps: Sequence[Row]) -> tuple[float, float]:
    found = [row["value"] for row in steps] or [0.0, 1.0]
    low, high = min(found), max(found)
    room = (high - low) or 0.1
    return low - 0.15 * room, high + 0.55 * room


def _labels(zones: Sequence[Zone], frame: Frame, tooltip: list[alt.Tooltip]) -> list[alt.Chart]:
    drawn = [zone for zone in zones if is_defined(zone.segment.homogeneity)]
    if not drawn:
        return []
    texts = [number(zone.segment.homogeneity, 2) + ("*" if _passes(zone) else "") for zone in drawn]
    centers = [frame.px((zone.start + zone.end) / 2) for zone in drawn]
    widths = [text_width(text, LABEL_SIZE) + 7 for text in texts]
    placed = spread(centers, widths, 0, frame.width)
    rows = [
        _facts(zone.segment)
        | {"at": frame.activation(label), "center": frame.activation(center), "text": text, "bold": _passes(zone)}
        for zone, text, center, label in zip(drawn, texts, centers, placed, strict=True)
    ]
    moved = [row for row, c, at in zip(rows, centers, placed, strict=True) if abs(c - at) > 4]
    line = alt.Chart(values(moved)).mark_rule(opacity=0.8, strokeWidth=0.8, tooltip=None)
    leader = line.encode(x=frame.x("center", axis=False), x2=alt.X2("at:Q"), y=alt.YValue(21), y2=alt.Y2Value(13))
    text = alt.Chart(values(rows)).mark_text(baseline="top", fontSize=LABEL_SIZE, fontWeight={"expr": _WEIGHT})
    return [
        *([leader] if moved else []),
        text.encode(x=frame.x("at", axis=False), y=alt.YValue(0), text=alt.Text("text:N"), tooltip=tooltip),
    ]


_WEIGHT = "datum.bold ? 'bold' : 'normal'"


def _passes(zone: Zone) -> bool:
    return is_defined(zone.segment.q) and zone.segment.q < SIGNIFICANT
