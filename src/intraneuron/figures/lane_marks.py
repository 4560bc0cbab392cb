"""The marks of the spectrum's lower panel: lanes with headers, tokens with labels, reach and mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from intraneuron.data.card import Card, CardCategory
from intraneuron.data.display import is_defined, measure, number, p_value, with_codes
from intraneuron.figures import palette
from intraneuron.figures.frame import Frame, y_px
from intraneuron.figures.lanes import RADIUS, Lane, Placed, Style
from intraneuron.figures.layout import Row, shorten, text_width, values
from intraneuron.figures.zones import Zone, bands, ordinal

FOOT = 5
NARROW = 400
NAME_SIZE, FACT_SIZE = 11, 10.5
_COLOR = alt.Color("color:N", scale=None)
_SHAPE = alt.Shape("shape:N", scale=None)


def lane_panel(card: Card, laid: Sequence[Lane], zones: Sequence[Zone], frame: Frame, style: Style) -> alt.LayerChart:
    """Draw all lanes over the zones' columns."""
    height = max(lane.bottom for lane in laid)
    layers = [
        *bands(zones, frame, axis=True),
        *_separators(laid, height),
        *_reach(laid, frame, height),
        *_headers(laid, frame, height),
        *_tokens(card, laid, frame, height, style),
    ]
    return alt.layer(*layers, width=frame.width, height=height)


def _separators(laid: Sequence[Lane], height: float) -> list[alt.Chart]:
    rows = [{"y": lane.top} for lane in laid[1:]]
    mark = alt.Chart(values(rows)).mark_rule(style="line-rule", strokeWidth=1, tooltip=None)
    return [mark.encode(y=y_px("y", height))] if rows else []


def _reach(laid: Sequence[Lane], frame: Frame, height: float) -> list[alt.Chart]:
    """Draw each category's reach along the axis, and a tick at its mean."""
    reach, means = [], []
    for lane in laid:
        found = [one.token.activation for one in lane.placed]
        row = {"y": lane.bottom - FOOT, "color": palette.category_color(lane.number), "words": lane.words}
        row |= {"reach": f"{measure(min(found))} to {measure(max(found))}", "test": "–", "mean": "–"}
        if lane.category is not None and is_defined(lane.category.mean_activation):
            row |= {"mean": measure(lane.category.mean_activation), "test": _test(lane.category)}
            means.append(row | {"at": lane.category.mean_activation})
        reach.append(row | {"start": min(found), "end": max(found)})
    tooltip = [
        alt.Tooltip("words:N", title="category"),
        alt.Tooltip("reach:N", title="weakest to strongest token"),
        alt.Tooltip("mean:N", title="mean activation"),
        alt.Tooltip("test:N", title="against the other tokens"),
    ]
    y = y_px("y", height)
    line = alt.Chart(values(reach)).mark_rule(strokeWidth=2, opacity=0.8, strokeCap="round")
    tick = alt.Chart(values(means)).mark_tick(orient="vertical", thickness=4, size=10, opacity=1)
    drawn = [line.encode(x=frame.x("start"), x2=alt.X2("end:Q"), y=y, color=_COLOR, tooltip=tooltip)]
    return [*drawn, *([tick.encode(x=frame.x("at"), y=y, color=_COLOR, tooltip=tooltip)] if means else [])]


def _test(category: CardCategory) -> str:
    return f"Cliff's delta {number(category.cliffs_delta, 2, signed=True)}, p {p_value(category.p)}"


def _headers(laid: Sequence[Lane], frame: Frame, height: float) -> list[alt.Chart]:
    rows: list[Row] = []
    for lane in laid:
        facts = _facts(lane, frame.width < NARROW)
        name = shorten(lane.words, frame.width - text_width(facts, FACT_SIZE) - 34, NAME_SIZE)
        after = 14 + text_width(name, NAME_SIZE * 1.04) + 8
        rows.append(
            {"name": name, "facts": facts, "y": lane.top + 11, "symbol": frame.activation(5)}
            | {"left": frame.activation(14), "after": frame.activation(after)}
            | {"color": palette.category_color(lane.number), "shape": palette.category_shape(lane.number)}
        )
    base = alt.Chart(values(rows)).encode(y=y_px("y", height))
    mark = base.mark_point(filled=True, size=80, opacity=1, strokeWidth=0.5, tooltip=None).encode(
        x=frame.x("symbol"), color=_COLOR, shape=_SHAPE
    )
    text = {"align": "left", "baseline": "middle", "tooltip": None}
    name_ = base.mark_text(fontWeight="bold", fontSize=NAME_SIZE, **text)
    fact = base.mark_text(fontSize=FACT_SIZE, style="soft-text", **text)
    return [
        mark,
        name_.encode(x=frame.x("left"), text=alt.Text("name:N")),
        fact.encode(x=frame.x("after"), text=alt.Text("facts:N")),
    ]


def _facts(lane: Lane, short: bool) -> str:
    size = f"{len(lane.placed)} token{'' if len(lane.placed) == 1 else 's'}"
    if lane.category is None:
        return size
    delta = lane.category.cliffs_delta
    shift = f" · δ {number(delta, 2, signed=True)}" if is_defined(delta) else ""
    return size + shift if short else f"{size} · mean {measure(lane.category.mean_activation)}{shift}"


def _tokens(card: Card, laid: Sequence[Lane], frame: Frame, height: float, style: Style) -> list[alt.Chart]:
    homogeneity = {one.segment: number(one.homogeneity) for one in card.segments}
    rows = [_token_row(one, lane, homogeneity) for lane in laid for one in lane.placed]
    tooltip = [
        alt.Tooltip("token:N", title="token"),
        alt.Tooltip("shown:N", title="activation"),
        alt.Tooltip("rank:Q", title="rank by activation"),
        alt.Tooltip("count:N", title="times seen"),
        alt.Tooltip("words:N", title="category"),
        alt.Tooltip("zone:N", title="zone"),
    ]
    base = alt.Chart(values(rows)).encode(x=frame.x("activation"), y=y_px("y", height), tooltip=tooltip)
    point = base.mark_point(filled=True, size=46, opacity=1, strokeWidth=0.5, aria=True)
    marks = point.encode(color=_COLOR, shape=_SHAPE, description=alt.Description("token:N"))
    layers = []
    for side, align, dx in (("right", "left", RADIUS + 1), ("left", "right", -RADIUS - 1)):
        text = base.mark_text(align=align, baseline="middle", dx=dx, fontSize=style.font)
        if any(row["side"] == side for row in rows):
            layers.append(text.transform_filter(f"datum.side == '{side}'").encode(text=alt.Text("label:N")))
    return [*layers, marks]


def _token_row(one: Placed, lane: Lane, homogeneity: Mapping[int, str]) -> Row:
    token = one.token
    zone = "in no zone"
    if token.segment >= 0:
        zone = f"{ordinal(token.segment)} (homogeneity {homogeneity.get(token.segment, '–')})"
    return {
        "token": with_codes(token.token, 120),
        "label": one.label,
        "side": one.side,
        "activation": token.activation,
        "shown": measure(token.activation),
        "rank": token.rank + 1,
        "count": f"{token.count:,}" if token.count >= 0 else "not known",
        "words": lane.words,
        "zone": zone,
        "y": one.y,
        "color": palette.category_color(lane.number),
        "shape": palette.category_shape(lane.number),
    }
