"""Specification curves: the difference from the twins under every choice, and which choices those are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from intraneuron.data.display import number, sentence
from intraneuron.figures import layout
from intraneuron.figures.palette import NO_CATEGORY_COLOR
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.pipeline.robust import said_value
from intraneuron.pipeline.specifications import CHOICES, varied

TITLE = "Does it hold under every choice?"
CAPTION = (
    "Each column is a specification; they are sorted by how far the neurons are from their {twin} twins. Above: that "
    "difference with its 95 % interval; below: the choices that the specification is made of. Ring: the study's "
    "settings, with the neurons taken here."
)
COLORS = {"more": "#0072B2", "no more": NO_CATEGORY_COLOR, "less": "#D55E00", "untested": "#AA3377"}
"""What an interval says, and its colour; above or below the line of 0 says the same."""

BRIEF_BESIDE = {"more": "more", "no more": "not shown to be more", "less": "less", "untested": "not testable"}
"""What an interval says of the neurons beside their twins, in a few words."""

CHOICE_NAMES = {"core_tokens": "core tokens", "center": "mean taken off", "cross_fit": "cross-fit"}
KEY = ("ami", "peak", "top_down_eta2", "interleaving", "abstraction")
"""A number a claim, where one figure stands for all."""

HEIGHT, STEP = 130, 11
FONT = 9.5
"""Of the names of choices."""

Row = Mapping[str, Any]


def robustness(rows: Sequence[Row], twin: str = "rotated", width: int = 920) -> alt.VConcatChart | alt.LayerChart:
    """Draw a specification curve for one number of each claim."""
    title = layout.heading(TITLE, CAPTION.format(twin=twin), width - 60)
    known = {row["number"] for row in layout.drawable(rows, "difference")}
    drawn = [name for name in KEY if name in known]
    names = max((_names(_choices(rows, name), width) for name in drawn), default=0)
    parts = [_curve(rows, name, width, names=names, legend=i == 0) for i, name in enumerate(drawn)]
    if not parts:
        return layout.nothing(title, "No number is defined in neurons and twins alike.", width)
    described = f"{TITLE} {CAPTION.format(twin=twin)}"
    return alt.vconcat(*parts, spacing=34, title=title, description=described)


def specifications(rows: Sequence[Row], name: str, width: int = 920) -> alt.VConcatChart | alt.LayerChart:
    """Draw the specification curve of one number."""
    if not any(row["number"] == name for row in layout.drawable(rows, "difference")):
        title = layout.heading(_title(name), "", width - 60)
        return layout.nothing(title, "The number is not defined in neurons and twins alike.", width)
    return _curve(rows, name, width, names=_names(_choices(rows, name), width), legend=True)


def choice_name(choice: str) -> str:
    """Write the name of a choice."""
    return CHOICE_NAMES.get(choice, choice)


def _title(name: str) -> str:
    return f"{BY_NAME[name].claim}: {sentence(BY_NAME[name].title)}"


def _own(rows: Sequence[Row], name: str) -> list[layout.Row]:
    """Return the specifications of a number that can be drawn."""
    return [row for row in layout.drawable(rows, "difference") if row["number"] == name and row["layer"] is None]


def _choices(rows: Sequence[Row], name: str) -> dict[str, list[Any]]:
    """Return the choices that differ between the specifications of a number."""
    return varied([{choice: row[choice] for choice in CHOICES} for row in _own(rows, name)])


def _label(choice: str, value: object) -> str:
    return f"{choice_name(choice)}: {said_value(value)}"


def _names(choices: Mapping[str, list[Any]], width: int) -> int:
    """Return how wide the names of choices are, up to nearly half of a figure."""
    longest = max((len(_label(choice, value)) for choice, some in choices.items() for value in some), default=0)
    return int(min(max(0.55 * FONT * longest + 10, 70), 0.46 * width))


def _curve(rows: Sequence[Row], name: str, width: int, *, names: int, legend: bool) -> alt.VConcatChart:
    """Draw the sorted differences with their intervals, and below them a matrix of the choices."""
    own, choices = _own(rows, name), _choices(rows, name)
    own.sort(key=lambda row: BY_NAME[name].sign * row["difference"])
    shown = [_shown(row, at, list(choices)) for at, row in enumerate(own)]
    inner = width - names - 48
    parts = [_differences(shown, inner, names, _title(name), legend=legend)]
    if choices:
        parts.append(_matrix(shown, choices, inner, names))
    return alt.vconcat(*parts, spacing=6, description=f"{_title(name)}: {len(own)} specifications.")


def _shown(row: layout.Row, at: int, choices: list[str]) -> layout.Row:
    values = {choice: _label(choice, row[choice]) for choice in choices}
    kept = {name: row[name] for name in ("difference", "low", "high", "beside", "own")}
    kept["means"] = BRIEF_BESIDE[row["beside"]]
    whole = all(layout.drawable([row], end) for end in ("low", "high"))
    told = f"{number(row['difference'], 4)} [{number(row['low'], 4)}, {number(row['high'], 4)}]"
    said = ", ".join(values.values())
    return kept | values | {"at": at, "told": told, "said": said} | ({} if whole else {"low": None, "high": None})


def _x(size: int) -> alt.X:
    return alt.X("at:Q", scale=alt.Scale(domain=[-0.7, size - 0.3], nice=False, zero=False), axis=None)


def _color(inner: int, *, legend: bool) -> alt.Color:
    scale = alt.Scale(domain=list(COLORS), range=list(COLORS.values()))
    words = f"{json.dumps(BRIEF_BESIDE)}[datum.label]"
    columns = max(1, inner // 120)
    title = "neurons beside their twins"
    shown = alt.Legend(orient="top", title=title, symbolType="circle", columns=columns, labelExpr=words)
    return alt.Color("beside:N", scale=scale, legend=shown if legend else None)


def _differences(shown: list[layout.Row], inner: int, names: int, title: str, *, legend: bool) -> alt.LayerChart:
    x, color = _x(len(shown)), _color(inner, legend=legend)
    axis = alt.Axis(tickCount=5, minExtent=names, maxExtent=names, titlePadding=-34)
    y = alt.Y("difference:Q", title="difference", axis=axis, scale=alt.Scale(zero=True, nice=True))
    tooltip = [
        alt.Tooltip("told:N", title="difference [95 %]"),
        alt.Tooltip("means:N", title="neurons beside their twins"),
        alt.Tooltip("said:N", title="choices"),
    ]
    wide = max(0.6, min(2.4, 0.6 * inner / len(shown)))
    base = alt.Chart(layout.values(shown))
    whiskers = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    point = base.mark_point(filled=True, opacity=1, size=(2.2 * wide + 1.6) ** 2, strokeWidth=0)
    ring = base.transform_filter("datum.own").mark_point(filled=False, opacity=1, size=110, strokeWidth=1.8)
    return alt.layer(
        layout.zero_line(),
        whiskers.mark_rule(strokeWidth=wide, opacity=0.55).encode(
            x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=color, tooltip=tooltip
        ),
        point.encode(x=x, y=y, color=color, tooltip=tooltip),
        ring.encode(x=x, y=y, tooltip=tooltip),
        data=layout.values(shown),
        title=layout.panel_heading(title, inner),
        width=inner,
        height=HEIGHT,
    )


def _matrix(shown: list[layout.Row], choices: Mapping[str, list[Any]], inner: int, names: int) -> alt.Chart:
    labels = [_label(choice, value) for choice, values in choices.items() for value in values]
    axis = alt.Axis(
        **{"minExtent": names, "maxExtent": names, "labelLimit": names - 4, "labelFontSize": FONT},
        **{"ticks": False, "domain": False, "grid": True},
    )
    wide = max(0.8, min(6.0, 0.9 * inner / len(shown)))
    return (
        alt.Chart(layout.values(shown))
        .transform_fold(list(choices), as_=["choice", "value"])
        .mark_tick(orient="vertical", thickness=wide, size=STEP - 3, opacity=1, tooltip=None)
        .encode(
            x=_x(len(shown)),
            y=alt.Y("value:N", sort=labels, title=None, axis=axis),
            color=_color(inner, legend=False),
        )
        .properties(width=inner, height=alt.Step(STEP))
    )
