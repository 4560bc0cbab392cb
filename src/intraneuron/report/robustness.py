"""Robustness in words: which conclusions hold under every choice, and which choice the others turn on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from intraneuron.data.display import UNDEFINED, decimals, is_defined, number, sentence
from intraneuron.figures.specifications import choice_name
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.report.wording import short_name

Row = Mapping[str, Any]
Rows = Sequence[Row]

CAPTION = (
    "In how many specifications the 95 % interval of neurons minus {twin} twins says more of a relation than in the "
    "twins, no more (it holds 0), or less; the least and the largest difference, the study's own, and the choice that, "
    "changed alone, most often changes what the interval says."
)
WHAT = {"more": "more than", "no more": "no more than", "less": "less than"}


def counted(rows: Row) -> list[tuple[str, int]]:
    """Return what intervals say, and in how many specifications, the most frequent first."""
    found = [(what, int(rows[what.replace(" ", "_")])) for what in (*WHAT, "untested")]
    return sorted((one for one in found if one[1]), key=lambda one: -one[1])


def said(row: Row, choices: Rows, twin: str) -> str:
    """Say of one number what holds under every choice, and what its difference turns on."""
    return " ".join((_count_said(row, twin), _range_said(row), _turn_said(row, choices)))


def headings(conclusions: Rows) -> list[str]:
    """Say which numbers say the same under every choice, and which turn on one."""
    lines = []
    for what in WHAT:
        names = [short_name(row["number"]) for row in conclusions if row["everywhere"] == what]
        if names:
            lines.append(f"{sentence(what)} under every choice: {'; '.join(names)}.")
    turning = [row for row in conclusions if row["everywhere"] is None]
    if turning:
        told = [f"{short_name(row['number'])}{_on(row)}" for row in turning]
        lines.append(f"It depends on the choice: {'; '.join(told)}.")
    untested = [short_name(row["number"]) for row in conclusions if row["everywhere"] == "untested"]
    return [*lines, f"Not testable: {'; '.join(untested)}."] if untested else lines


def _on(row: Row) -> str:
    return f", on {choice_name(row['turns_on'])}" if row["turns_on"] else ""


def _count_said(row: Row, twin: str) -> str:
    total = row["specifications"]
    told = [
        f"{'not testable' if what == 'untested' else f'{WHAT[what]} in {twin} twins' if i == 0 else what} in "
        f"{('the one' if total == 1 else f'all {total:,}') if count == total else f'{count:,}'}"
        for i, (what, count) in enumerate(counted(row))
    ]
    told[0] += "" if row["everywhere"] else f" of {total:,}"
    return f"{sentence(BY_NAME[row['number']].title)}: {', '.join(told)} specification{'' if total == 1 else 's'}."


def _range_said(row: Row) -> str:
    if not is_defined(row["median"]):
        return "It is not defined in neurons and twins alike."
    places = decimals(row["lowest"], row["highest"])
    low, middle, high = (number(row[name], places) for name in ("lowest", "median", "highest"))
    own = f"; the study's own {number(row['own'], places)}" if is_defined(row["own"]) else ""
    sign = "has the same sign in all" if row["one_sign"] else "changes its sign"
    return f"The difference {sign}: {low} to {high} (median {middle}{own})."


def _turn_said(row: Row, choices: Rows) -> str:
    name = row["turns_on"] or row["moved_by"]
    values = [one for one in choices if one["number"] == row["number"] and one["choice"] == name]
    if not values:
        return "No choice was varied."
    places = decimals(*(one["difference"] for one in values))
    means = ", ".join(f"{number(one['difference'], places)} with {one['value']}" for one in values)
    if row["turns_on"] is None:
        return f"No choice by itself changes that; {choice_name(name)} moves it most: {means}."
    first = values[0]
    return (
        f"It turns most on {choice_name(name)}: changed alone, it changes what the interval says in "
        f"{first['changed']:,} of {first['matched']:,} cases; on average {means}."
    )


def render_robustness(conclusions: Rows, choices: Rows, facts: Mapping[str, Any]) -> RenderableType:
    """Show in a terminal what holds; from 80 columns up."""
    twin = str(facts["twin"])
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for index, name in enumerate(("number", "of", "more", "no more", "less", "from", "to", "own", "turns on")):
        table.add_column(name, justify="left" if index in (0, 8) else "right", no_wrap=index > 0)
    for row in conclusions:
        places = decimals(row["lowest"], row["highest"])
        cells = (f"{row[what]:,}" for what in ("specifications", "more", "no_more", "less"))
        ends = (number(row[name], places) for name in ("lowest", "highest", "own"))
        turns = choice_name(row["turns_on"]) if row["turns_on"] else UNDEFINED
        table.add_row(f"{row['claim']} {short_name(row['number'])}", *cells, *ends, turns)
    lines = [Text(line, style="bold") for line in headings(conclusions)]
    told = [Text(f"{row['claim']}. {said(row, choices, twin)}") for row in conclusions]
    return Group(table, Text(CAPTION.format(twin=twin), style="dim"), Text(), *told, Text(), *lines)
