"""Robustness in words: which conclusions hold under every choice, and which choice the others turn on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from intraneuron.data.display import UNDEFINED, decimals, is_defined, number, sentence
from intraneuron.figures.specifications import BRIEF_BESIDE, choice_name
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.report.wording import short_name

Row = Mapping[str, Any]
Rows = Sequence[Row]

CAPTION = (
    "In how many specifications the 95 % interval of neurons minus {twin} twins says that a relation is more than in "
    "the twins, that it is not shown to be more (the interval holds 0), that it is less, or nothing (not testable); "
    "the least and the largest difference; that of the study itself, over all its neurons; and the choice that, "
    "changed alone, most often changes what the interval says, with the sets of specifications in which it does."
)
WHAT = {
    "more": "more than in {twin} twins",
    "no more": "not shown to be more than in {twin} twins (interval holds 0)",
    "less": "less than in {twin} twins",
}
BRIEF = BRIEF_BESIDE | {"no more": "not shown to be more (interval holds 0)"}
SEEN = "behind each: the difference that would have been seen with a chance of 80 %"
ALL = "Give --neurons 0 for all neurons."


def counted(rows: Row) -> list[tuple[str, int]]:
    """Return what intervals say, and in how many specifications, the most frequent first, but for no interval."""
    found = [(what, int(rows[what.replace(" ", "_")])) for what in (*WHAT, "untested")]
    return sorted((one for one in found if one[1]), key=lambda one: (one[0] == "untested", -one[1]))


def said(row: Row, choices: Rows, twin: str) -> str:
    """Say of one number what holds under every choice, and what its difference turns on."""
    parts = (_count_said(row, twin), _seen_said(row), _range_said(row), _apart_said(row), _turn_said(row, choices))
    return " ".join(filter(None, parts))


def headings(conclusions: Rows, twin: str) -> list[str]:
    """Say which numbers say the same under every choice, which turn on one, and of which the study says another."""
    lines = []
    for what, words in WHAT.items():
        names = [_name_everywhere(row) for row in conclusions if row["everywhere"] == what]
        if names:
            behind = f" ({SEEN})" if what == "no more" else ""
            lines.append(f"{sentence(words.format(twin=twin))} under every choice{behind}: {'; '.join(names)}.")
    turning = [row for row in conclusions if row["everywhere"] is None]
    if turning:
        told = [f"{short_name(row['number'])}{_on(row)}" for row in turning]
        lines.append(f"It depends on the choice: {'; '.join(told)}.")
    untested = [short_name(row["number"]) for row in conclusions if row["everywhere"] == "untested"]
    if untested:
        lines.append(f"Not testable: {'; '.join(untested)}.")
    apart = [short_name(row["number"]) for row in conclusions if is_apart(row)]
    if apart:
        lines.append(
            f"The study, of all its neurons, says another thing than those taken here: {'; '.join(apart)}. {ALL}"
        )
    return lines


def turns_on(row: Row) -> str:
    """Name the choice that a number turns on, and in how many sets of specifications; nothing where there is none.

    >>> turns_on({"turns_on": "core_tokens", "turns_changed": 3, "turns_matched": 4})
    'core tokens, 3 of 4 sets'
    """
    return ", ".join(parts_of_turn(row))


def parts_of_turn(row: Row) -> list[str]:
    """Return the same in its two parts, that may stand one below the other."""
    if not row["turns_on"]:
        return []
    matched = row["turns_matched"]
    return [choice_name(row["turns_on"]), f"{row['turns_changed']:,} of {matched:,} set{'' if matched == 1 else 's'}"]


def is_apart(row: Row) -> bool:
    """Tell whether the study and the neurons taken here, with its settings, say different things of a number."""
    both = {row["study_beside"], row["own_beside"]}
    return len(both) == 2 and both <= set(WHAT)


def _name_everywhere(row: Row) -> str:
    """Name a number that says one thing, with what could have been seen, and where it cannot be tested."""
    seen = f", {_seen(row)}" if row["everywhere"] == "no more" and is_defined(row["detectable"]) else ""
    where = f" (wherever it can be tested; not in {row['untested']:,} of {row['specifications']:,})"
    return f"{short_name(row['number'])}{seen}{where if row['untested'] else ''}"


def _seen(row: Row) -> str:
    return number(row["detectable"], decimals(row["detectable"]))


def _on(row: Row) -> str:
    return f", on {turns_on(row)}" if row["turns_on"] else ""


def _count_said(row: Row, twin: str) -> str:
    (first, count), *others = counted(row)
    tested = row["specifications"] - (0 if first == "untested" else row["untested"])
    of = f"{count:,} of {tested:,}" if count < tested else "the one" if tested == 1 else f"all {tested:,}"
    words = WHAT[first].format(twin=twin) if first in WHAT else BRIEF[first]
    told = f"{words} in {of} specification{'' if tested == 1 else 's'}"
    told += " in which it can be tested" if tested < row["specifications"] else ""
    told += "".join(f", {BRIEF[what]} in {some:,}" for what, some in others)
    return f"{sentence(BY_NAME[row['number']].title)}: {told}."


def _seen_said(row: Row) -> str:
    """Say, where intervals hold 0, which difference would have been seen."""
    if not row["no_more"] or not is_defined(row["detectable"]):
        return ""
    return f"A difference of {_seen(row)} would have been seen with a chance of 80 % (median over specifications)."


def _range_said(row: Row) -> str:
    if not is_defined(row["median"]):
        return "It is not defined in neurons and twins alike."
    places = decimals(row["lowest"], row["highest"])
    low, middle, high = (number(row[name], places) for name in ("lowest", "median", "highest"))
    study = f"; the study's own, of all its neurons, {number(row['study'], places)}" if is_defined(row["study"]) else ""
    sign = "has the same sign in all" if row["one_sign"] else "changes its sign"
    return f"The difference {sign}: {low} to {high} (median {middle}{study})."


def _apart_said(row: Row) -> str:
    """Say that a study says another thing than a sample of its neurons; nothing where it does not."""
    if not is_apart(row):
        return ""
    places = decimals(row["study"], row["own"])
    ends = ", ".join(number(row[name], places) for name in ("study_low", "study_high"))
    study = f"{BRIEF[row['study_beside']]}, {number(row['study'], places)} [{ends}]"
    here = f"{BRIEF[row['own_beside']]}, {number(row['own'], places)}"
    return f"The study says of all its neurons: {study}; with its settings those taken here say: {here}. {ALL}"


def _turn_said(row: Row, choices: Rows) -> str:
    name = row["turns_on"] or row["moved_by"]
    values = [one for one in choices if one["number"] == row["number"] and one["choice"] == name]
    if row["specifications"] == 1:
        return "No choice was varied."
    if not values:
        return "No two specifications that differ in one choice alone can be tested: what it turns on is not known."
    known = [one for one in values if is_defined(one["difference"])]
    places = decimals(*(one["difference"] for one in known))
    told = [f"{number(one['difference'], places)} with {one['value']}" for one in known]
    told += [f"not testable with {one['value']}" for one in values if one not in known]
    means = ", ".join(told)
    if row["turns_on"] is None:
        return f"No choice by itself changes what the interval says; {choice_name(name)} moves it most: {means}."
    return f"It turns most on {turns_on(row)} of specifications that differ in nothing else; on average {means}."


HEADS = ("number", "of", "more", "not\nshown", "less", "not\ntested", "from", "to", "study", "turns on")
ENDS = {0: 15, 9: 12}
"""Columns of the terminal's table, and how narrow those become that are broken over lines."""


def render_robustness(conclusions: Rows, choices: Rows, facts: Mapping[str, Any]) -> RenderableType:
    """Show in a terminal what holds; from 80 columns up."""
    twin = str(facts["twin"])
    title = f"Neurons beside their {twin} twins, in how many specifications (not shown: to be more):"
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for index, name in enumerate(HEADS):
        table.add_column(
            name, justify="left" if index in ENDS else "right", no_wrap=index not in ENDS, min_width=ENDS.get(index)
        )
    for row in conclusions:
        places = decimals(row["lowest"], row["highest"])
        cells = (f"{row[what]:,}" for what in ("specifications", "more", "no_more", "less", "untested"))
        ends = (number(row[name], places) for name in ("lowest", "highest", "study"))
        table.add_row(f"{row['claim']} {short_name(row['number'])}", *cells, *ends, turns_on(row) or UNDEFINED)
    lines = [Text(line, style="bold") for line in headings(conclusions, twin)]
    told = [Text(f"{row['claim']}. {said(row, choices, twin)}") for row in conclusions]
    return Group(Text(title), table, Text(CAPTION.format(twin=twin), style="dim"), Text(), *told, Text(), *lines)
