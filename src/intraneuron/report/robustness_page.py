"""write_robustness: a page and figures of a study's robustness, that open without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from intraneuron.data.display import decimals, number, sentence
from intraneuron.figures.specifications import BRIEF_BESIDE, choice_name, robustness, specifications
from intraneuron.figures.theme import save
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.report.charts import Charts
from intraneuron.report.markup import Html, element, join, numeric, section, table
from intraneuron.report.page import UNSEEN, document
from intraneuron.report.robustness import CAPTION, headings, parts_of_turn, said
from intraneuron.report.sections import software_version
from intraneuron.report.tables import facts_table
from intraneuron.report.wording import CITATION, CLAIMS, short_name

Row = Mapping[str, Any]
COUNTS = {what.replace(" ", "_"): words for what, words in BRIEF_BESIDE.items()}
"""Columns that count what intervals say."""

ENDS = {"detectable": "seen", "lowest": "from", "median": "median", "highest": "to", "study": "study", "own": "here"}
ENDS_SAID = (
    " Seen: the difference that would have been seen with a chance of 80 % (median over specifications). Study: the "
    "difference that it has itself, over all its neurons. Here: with its settings, over the neurons taken here."
)

TITLE = "Which conclusions hold under every choice?"
LEAD = (
    "A number depends on choices that could have been made otherwise: the space of meaning, how tokens are grouped, "
    "how many are taken. Here every one of them is made, from the same observation, and each time the neurons stand "
    "beside their {twin} twins."
)


def write_robustness(found: Mapping[str, Any], folder: Path) -> None:
    """Write the page and the figure of one number a claim into a folder.

    Parameters
    ----------
    found : dict
        ``specifications``, ``conclusions`` and ``choices``, rows; ``facts``; ``remarks``; ``said``, what was computed.
    folder : Path
    """
    twin = str(found["facts"]["twin"])
    figure = robustness(found["specifications"], twin)
    for suffix in (".png", ".svg"):
        save(figure, folder / f"robustness{suffix}")
    (folder / "robustness.html").write_text(robustness_page(found), encoding="utf-8")


def robustness_page(found: Mapping[str, Any]) -> str:
    """Return the page: what holds, a section a number with its specification curve, what was left out."""
    charts, twin = Charts(), str(found["facts"]["twin"])
    conclusions, choices = found["conclusions"], found["choices"]
    header = [
        element("h1", TITLE),
        element("p", found["said"], class_="soft"),
        element("p", LEAD.format(twin=twin), class_="lead"),
        element("ul", *(element("li", element("strong", line)) for line in headings(conclusions, twin))),
        element("nav", element("ul", *map(_link, conclusions)), aria_label="Numbers"),
        UNSEEN,
    ]
    body = [
        section("all", "All numbers", element("p", CAPTION.format(twin=twin) + ENDS_SAID), _table(conclusions, twin))
    ]
    body += [_section(row, choices, found["specifications"], twin, charts) for row in conclusions]
    body += [_made(found), section("cite", "How to cite", element("p", CITATION.format(version=software_version())))]
    return document(f"{TITLE} {found['facts']['model']}", header, body, charts)


def _link(row: Row) -> Html:
    return element("li", element("a", f"{row['claim']} {short_name(row['number'])}", href=f"#{row['number']}"))


def _table(conclusions: Sequence[Row], twin: str) -> Html:
    columns = ("number", "turns on", "of", *COUNTS.values(), *ENDS.values())
    caption = f"Neurons beside their {twin} twins: in how many specifications a relation is more"
    return table(caption, columns, map(_cells, conclusions))


def _cells(row: Row) -> list[object]:
    places = decimals(row["lowest"], row["highest"])
    counts = [numeric(f"{row[what]:,}") for what in ("specifications", *COUNTS)]
    ends = [numeric(number(row[name], places)) for name in ENDS]
    turns = join(map(numeric, parts_of_turn(row)), ", ") or "no choice"
    return [f"{row['claim']}: {short_name(row['number'])}", turns, *counts, *ends]


def _section(row: Row, choices: Sequence[Row], rows: Sequence[Row], twin: str, charts: Charts) -> Html:
    name = row["number"]
    own = [one for one in choices if one["number"] == name]
    label = f"Specification curve of {short_name(name)}"
    return section(
        name,
        f"{row['claim']}: {sentence(BY_NAME[name].title)}",
        element("p", f"The paper: {CLAIMS[row['claim']]}", class_="paper"),
        element("p", said(row, choices, twin)),
        charts.figure(f"curve-{name}", partial(specifications, rows, name), label),
        element("details", element("summary", "What each choice does by itself"), _choices_table(own)),
    )


def _choices_table(own: Sequence[Row]) -> Html:
    places = decimals(*(one["difference"] for one in own))
    rows = [
        [
            f"{choice_name(one['choice'])}: {one['value']}",
            numeric(number(one["difference"], places)),
            *(numeric(f"{one[what]:,}") for what in COUNTS),
            numeric(f"{one['changed']:,} of {one['matched']:,}"),
        ]
        for one in own
    ]
    caption = (
        "Specifications that differ in one choice alone: mean difference, what intervals say of the neurons beside "
        "their twins, how many sets change"
    )
    return table(caption, ("choice", "difference", *COUNTS.values(), "changed by it"), rows)


def _made(found: Mapping[str, Any]) -> Html:
    remarks = [element("li", remark) for remark in found["remarks"]]
    return section(
        "settings",
        "How it was made",
        *([element("ul", *remarks)] if remarks else []),
        facts_table("What was computed", found["facts"] | {"intraneuron": software_version()}),
    )
