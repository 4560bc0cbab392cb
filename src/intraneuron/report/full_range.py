"""The full range: the sentence that says what the profile over the whole vocabulary shows, and its section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from intraneuron.data.display import decimals, is_defined, number
from intraneuron.figures.full_range import full_range
from intraneuron.figures.layout import layer_name, population_name
from intraneuron.figures.reference import Reference, reference
from intraneuron.report.charts import Charts
from intraneuron.report.markup import Html, element, numeric, section, table
from intraneuron.report.wording import whole_model

Summary = Mapping[str, Any]
Row = Mapping[str, Any]

VERY_TOP, STEADY = 95, 0.9
"""Half of the height from this percentile on: at the very top only; from this rank correlation on: all along."""

LAST = 100
"""The most active percentile."""

MEANING = (
    "Here the whole eligible vocabulary of a neuron is looked at, not only its core tokens: it is cut into 100 "
    "percentiles of activation, each held against as many random tokens. A percentile is undefined where most of its "
    "tokens share one activation with tokens of others (the zeros of a neuron that is off). Where all tokens share a "
    "direction of the space, tokens are also alike because they lie near it, and a profile says how central they are; "
    "--center takes that direction away."
)

POINTS = "The points of the figure, over all layers (those of each layer: summary.json)"


def full_range_section(summary: Summary, charts: Charts) -> list[Html]:
    """Show homogeneity over all percentiles of activation; no section where it was not asked for."""
    if not summary.get("full_range"):
        return []
    shapes, twin = list(summary["full_range"]["shape"]), reference(summary)
    points = whole_model(list(summary["full_range"]["profile"]))
    return [
        section(
            "full-range",
            "And beyond core tokens?",
            element("p", element("strong", full_range_sentence(summary))),
            element("p", MEANING),
            charts.figure("full-range", partial(full_range, summary), "Homogeneity by percentile of activation"),
            _shape_table(shapes, twin),
            element("details", element("summary", POINTS), _points_table(points)),
        )
    ]


def full_range_sentence(summary: Summary) -> str:
    """Say whether homogeneity rises steadily or only at the very top, and how much of it is the twin's.

    Nothing where the full range was not asked for.
    """
    found = whole_model(list((summary.get("full_range") or {}).get("shape") or ()))
    if not found:
        return ""
    row, twin = found[0], reference(summary)
    points = [one for one in whole_model(summary["full_range"]["profile"]) if one["population"] == twin.name]
    if not is_defined(row["highest_above"]):
        return "Full range: no percentile of activation has a homogeneity."
    return " ".join(filter(None, (f"Full range: {_top(row, twin)}", _rise(row), _left(row, points, twin))))


def _places(row: Row) -> int:
    return decimals(row["top"], row["top_twin"], row["highest_above"])


def _top(row: Row, twin: Reference) -> str:
    if not is_defined(row["top"]):
        return "the most active percentile has no homogeneity."
    places = _places(row)
    beside = f", {number(row['top_twin'], places)} in {twin.name} twins" if is_defined(row["top_twin"]) else ""
    return (
        f"homogeneity above that of random tokens is {_interval(row, 'top', places)} in the most active "
        f"percentile{beside}."
    )


def _rise(row: Row) -> str:
    """Say how homogeneity goes along the axis."""
    most = f"percentile {row['highest']} ({number(row['highest_above'], _places(row))})"
    if row["half_from"] is None and row["highest"] == LAST:
        below = is_defined(row["top_high"]) and row["top_high"] < 0
        return f"Tokens are most alike there, {'and still less' if below else 'but not clearly more'} than random ones."
    if row["half_from"] is None:
        return f"It does not rise to the top: tokens are most alike in {most}."
    if row["half_from"] == 1:
        said = "No percentile is below half of that."
    elif row["half_from"] >= VERY_TOP:
        said = f"It rises only at the very top: half of that is reached from percentile {row['half_from']} on."
    elif is_defined(row["rank_correlation"]) and row["rank_correlation"] >= STEADY:
        said = (
            f"It rises all along the axis (rank correlation {number(row['rank_correlation'], 2)}), and half of that is "
            f"reached from percentile {row['half_from']} on."
        )
    else:
        said = f"Half of that is reached from percentile {row['half_from']} on; below, it does not rise steadily."
    return said if row["highest"] >= VERY_TOP else f"{said} But tokens are most alike in {most}."


def _left(row: Row, points: Sequence[Row], twin: Reference) -> str:
    """Say how much of it the twins do not have."""
    if row["beyond"] is None:
        return f"Without {twin.name} twins nobody can say how much of it is the neurons’ own."
    more = _half([one for one in points if is_defined(one["difference_low"]) and one["difference_low"] > 0])
    less = _half([one for one in points if is_defined(one["difference_high"]) and one["difference_high"] < 0])
    return (
        f"Over the whole axis, tokens are more alike than those of {twin.name} twins in {row['beyond']} of 100 "
        f"percentiles{more}, and less in {row['below']}{less} (95 % intervals)."
    )


def _half(points: Sequence[Row]) -> str:
    """Say in which half of the axis most of some percentiles lie."""
    upper = sum(one["percentile"] > LAST / 2 for one in points)
    if not points:
        return ""
    name, most = ("upper", upper) if 2 * upper >= len(points) else ("lower", len(points) - upper)
    return f" ({'all' if most == len(points) else most} in the {name} half)"


def _shape_table(rows: Sequence[Row], twin: Reference) -> Html:
    columns = (
        *("layer", "percentile 100 [95 %]", twin.name, "difference [95 %]"),
        *("most alike: percentile (value)", "half from percentile", "rank correlation"),
        f"more / less than {twin.name}",
    )
    return table(
        "Homogeneity above random tokens, over 100 percentiles of activation", columns, [_shape(r) for r in rows]
    )


def _shape(row: Row) -> list[object]:
    places = _places(row)
    return [
        layer_name(row["layer"]),
        numeric(_interval(row, "top", places)),
        numeric(number(row["top_twin"], places)),
        numeric(_interval(row, "difference", places)),
        numeric("–" if row["highest"] is None else f"{row['highest']} ({number(row['highest_above'], places)})"),
        numeric(_whole(row["half_from"])),
        numeric(number(row["rank_correlation"], 2)),
        numeric(f"{_whole(row['beyond'])} / {_whole(row['below'])}"),
    ]


def _interval(row: Row, name: str, places: int) -> str:
    low, high, value = row.get(f"{name}_low"), row.get(f"{name}_high"), number(row.get(name), places)
    return f"{value} [{number(low, places)}, {number(high, places)}]" if is_defined(low) and is_defined(high) else value


def _whole(value: int | None) -> str:
    return "–" if value is None else str(value)


def _points_table(rows: Sequence[Row]) -> Html:
    columns = ("layer", "of", "percentile", "homogeneity", "above random", "from", "to")
    cells = [
        [
            *(layer_name(row["layer"]), population_name(row), row["percentile"]),
            *(numeric(number(row[name], 5)) for name in ("homogeneity", "above", "low", "high")),
        ]
        for row in rows
    ]
    return table("Homogeneity by percentile of activation", columns, cells)
