"""How far the text settles the core tokens: the sentences, and the section of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from intraneuron.data.display import is_defined, number, percent
from intraneuron.figures.layout import layer_name, population_name
from intraneuron.figures.settling import settling
from intraneuron.pipeline.select import RELIABLE
from intraneuron.pipeline.settling import FAR, WANTED
from intraneuron.report.charts import Charts
from intraneuron.report.markup import Html, element, numeric, section, table

Summary = Mapping[str, Any]
Row = Mapping[str, Any]

MEANING = (
    "Core tokens are called settled when two texts of that length agree on them in the median neuron: a correlation "
    f"of {WANTED['correlation']} of their mean activations, and {WANTED['overlap']:.0%} of the core tokens in common "
    "when each text selects by itself."
)
CROSS_FITTED = (
    "Cross-fit: the even documents chose the core tokens, the odd ones alone say how active these are. So activation, "
    "order and zones are free of the luck that a token was chosen for."
)
NUMBERS = {"correlation": "correlation of activations", "overlap": "core tokens in common"}


def settled_sentence(summary: Summary) -> str:
    """Say after how much text core tokens are settled, in the slowest layer; nothing without texts."""
    rows = _of_neurons(summary)
    if not rows:
        return ""
    read = f"this study read {tokens(rows[0]['read'])}."
    if any(row["beyond"] for row in rows):
        return f"Core tokens are not settled after {FAR} times this text ({tokens(FAR * rows[0]['read'])}); {read}"
    if not all(is_defined(row["tokens"]) for row in rows):
        return f"After how much text core tokens would be settled cannot be said: texts agree too little; {read}"
    slowest = max(rows, key=lambda row: float(row["tokens"]))
    where = "" if len({row["layer"] for row in rows}) == 1 else f" in the slowest layer ({slowest['layer']})"
    return f"Core tokens are settled after about {tokens(slowest['tokens'])}{where}; {read}{_more(summary, slowest)}"


def _more(summary: Summary, slowest: Row) -> str:
    """Say how to settle what this text does not: the law is for tokens of the same share of the text."""
    times = slowest["tokens"] / slowest["read"]
    counts = [row["min_count"] for row in _layers(summary) if row["layer"] == slowest["layer"]]
    if not times > 1:
        return ""
    if not counts or round(times * counts[0]) <= counts[0]:
        return " Give more text."
    return f" Give more text, and with it --min-count {round(times * counts[0])}: rarer tokens take longer."


def check_sentence(summary: Summary) -> str:
    """Say how well the law of shorter texts predicts the longest that were compared; nothing without a law."""
    rows = [row for row in _of_neurons(summary) if is_defined(row["predicted"]) and is_defined(row["observed"])]
    if not rows:
        return ""
    worst = max(rows, key=lambda row: abs(float(row["predicted"]) - float(row["observed"])))
    return (
        f"Check: for {tokens(worst['checked_at'])} the shorter texts predict {number(worst['predicted'])} at worst "
        f"({NUMBERS[worst['number']]}, layer {worst['layer']}), where {number(worst['observed'])} was observed."
    )


def min_count_sentence(summary: Summary) -> str:
    """Say which minimum counts were chosen by themselves, and why; nothing when none was."""
    rows = [row for row in _layers(summary) if row.get("chosen")]
    if not rows:
        return ""
    counts = ", ".join(f"layer {row['layer']}: {row['min_count']} ({min_count_why(row)})" for row in rows)
    return f"Minimum count, the least at which the median neuron's reliability reaches {RELIABLE}: {counts}."


def min_count_why(row: Row) -> str:
    """Say why a layer has its minimum count."""
    if not row.get("chosen"):
        return "as given"
    found = row.get("min_count_reliability")
    if found is None or not is_defined(found):
        return "too little text to say how reliable"
    return number(found, 2) if found >= RELIABLE else f"{number(found, 2)}, no count is enough: more text would help"


def tokens(count: float) -> str:
    """Write a number of tokens, about.

    >>> tokens(951_751), tokens(4_321), tokens(12_345_678)
    ('0.95 million tokens', '4,300 tokens', '12 million tokens')
    """
    if count < 95_000:
        return f"{float(f'{count:.2g}'):,.0f} tokens"
    return f"{float(f'{count / 1e6:.2g}'):,g} million tokens"


def reliability_section(summary: Summary, charts: Charts) -> Html:
    """Show how far halves of the text agree, how that grows with the text, and which minimum counts were chosen."""
    rows = list((summary.get("reliability") or {}).get("settled") or ())
    if not rows:
        return section("reliability", "Is it enough text?", element("p", "No text was read, or no two halves of one."))
    observe = (summary.get("settings") or {}).get("observe") or {}
    points = list(summary["reliability"].get("curve") or ())
    return section(
        "reliability",
        "Is it enough text?",
        element("p", element("strong", settled_sentence(summary)), " ", check_sentence(summary)),
        element("p", MEANING),
        *([element("p", CROSS_FITTED)] if observe.get("cross_fit") else []),
        _counts_table(_layers(summary)),
        charts.figure("settling", partial(settling, summary), "Agreement of two texts by their length"),
        _settled_table(rows),
        element("details", element("summary", "Every point of the figure"), _points_table(points)),
    )


def _of_neurons(summary: Summary) -> list[Row]:
    rows = (summary.get("reliability") or {}).get("settled") or ()
    return [row for row in rows if row["population"] == "neurons"]


def _layers(summary: Summary) -> list[Row]:
    return list((summary.get("reliability") or {}).get("layers") or ())


def _counts_table(rows: Sequence[Row]) -> Html:
    columns = ("layer", "minimum count", "why", "reliability", "rank correlation", "core tokens in common")
    cells = [
        [
            *(layer_name(row["layer"]), row["min_count"], _reason(row)),
            *(numeric(number(row.get(name), 2)) for name in ("reliability", "rank_correlation")),
            numeric(percent(row.get("overlap"))),
        ]
        for row in rows
    ]
    return table("Two halves of the text, the median neuron of each layer", columns, cells)


def _reason(row: Row) -> str:
    if row.get("chosen") and is_defined(row.get("min_count_reliability")) and row["min_count_reliability"] >= RELIABLE:
        return f"the least tried with a reliability of {RELIABLE} or more"
    return f"auto: {min_count_why(row)}" if row.get("chosen") else min_count_why(row)


def _settled_table(rows: Sequence[Row]) -> Html:
    columns = (
        *("layer", "of", "number", "settled at", "settled after", "as long a text would agree"),
        *("check: predicted", "observed"),
    )
    cells = [
        [
            *(layer_name(row["layer"]), population_name(row), NUMBERS[row["number"]], number(row["wanted"], 1)),
            numeric(_after(row)),
            *(numeric(number(row[name])) for name in ("at_read", "predicted", "observed")),
        ]
        for row in rows
    ]
    return table("After how much text core tokens are settled", columns, cells)


def _after(row: Row) -> str:
    if row["beyond"]:
        return f"over {tokens(FAR * row['read'])}"
    return tokens(row["tokens"]) if is_defined(row["tokens"]) else "–"


def _points_table(rows: Sequence[Row]) -> Html:
    cells = [
        [
            *(layer_name(row["layer"]), population_name(row), NUMBERS[row["number"]], row["kind"]),
            *(numeric(f"{row['tokens']:,.0f}"), numeric(number(row["agreement"]))),
        ]
        for row in rows
    ]
    return table("Agreement of two texts", ("layer", "of", "number", "kind", "tokens of text", "agreement"), cells)
