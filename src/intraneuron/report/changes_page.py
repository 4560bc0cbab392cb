"""Studies side by side as one HTML file that opens from disk, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from intraneuron.data.display import UNDEFINED, decimals, number, p_value, percent, sentence
from intraneuron.figures import changes as figures
from intraneuron.report.changes_words import (
    NOTE,
    by_number,
    changes_of,
    direction,
    pair_of,
    places,
    verdicts,
    with_interval,
)
from intraneuron.report.charts import Charts
from intraneuron.report.markup import Html, element, numeric, section, table
from intraneuron.report.page import UNSEEN, document, navigation
from intraneuron.report.wording import short_name

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

PAIRS = (
    "A neuron of one study and one of another are as alike as the cosine of their token profiles: mean activation at "
    "each one’s core tokens, 0 elsewhere. Random: the mean over all pairs. With twins: the same matching with the "
    "second study’s random directions; beside it, that of as many of its neurons."
)
TOGETHER = (
    "Does a number go with the neuron? Spearman’s r over the pairs; dealt anew, pairs have mean 0 and the deviation "
    "beside it. With twins: the same over pairs with random directions, which share tokens, too."
)


def changes_page(tables: Tables, notes: Sequence[str]) -> str:
    """Return the page of a comparison."""
    charts = Charts()
    letters = {str(row["study"]): figures.letter(i) for i, row in enumerate(tables["studies"])}
    sections = [
        ("changes", "What changes", _changes_section(tables, letters, charts)),
        ("means", "The studies", _means_section(tables, letters, charts)),
        *([("pairs", "Pairs of neurons", _pairs_section(tables, letters))] if tables["matches"] else []),
        ("settings", "Settings", _settings_section(tables, letters, notes)),
    ]
    first, second = pair_of(tables)
    header = [
        element("h1", "Studies side by side"),
        element("ul", *(element("li", _named(row, letters)) for row in tables["studies"])),
        element("ul", *(element("li", line) for line in verdicts(tables, letters)), class_="said"),
        element("p", NOTE, class_="soft"),
        navigation([(anchor, name) for anchor, name, _ in sections]),
        UNSEEN,
    ]
    return document(f"{first} and {second} side by side", header, [body for _, _, body in sections], charts)


def _named(row: Row, letters: Mapping[str, str]) -> Html:
    layers = ", ".join(map(str, row["layers"]))
    facts = f": {row['model']}, {row['mode']} mode, {row['space']} space, layers {layers}; beside {row['twin']} twins"
    return element("span", element("strong", f"{letters[row['study']]}: {row['study']}"), facts)


def _changes_section(tables: Tables, letters: Mapping[str, str], charts: Charts) -> Html:
    pairs = dict.fromkeys((str(row["first"]), str(row["second"])) for row in tables["changes"])
    first, second = pair_of(tables)
    told = [_changes_table(tables, *pair, letters) for pair in pairs if pair != (first, second)]
    layered = [_changes_table(tables, *pair, letters, whole=False) for pair in pairs]
    return section(
        "changes",
        "What changes",
        _changes_table(tables, first, second, letters),
        charts.figure(
            "changes", partial(figures.changes, tables, first, second), "Changes by number and layer, with intervals"
        ),
        *([_details("The same for the other pairs of studies", told)] if told else []),
        _details("The same by layer", layered),
    )


def _details(name: str, content: Sequence[Html]) -> Html:
    return element("details", element("summary", name), *content)


def _changes_table(tables: Tables, first: str, second: str, letters: Mapping[str, str], *, whole: bool = True) -> Html:
    a, b = letters[first], letters[second]
    rows: list[list[object]] = []
    given = changes_of(tables, first, second, whole=whole)
    for layers in dict.fromkeys((row["layer_first"], row["layer_second"]) for row in given):
        some = [row for row in given if (row["layer_first"], row["layer_second"]) == layers]
        where = [] if whole else ["→".join(dict.fromkeys(map(str, layers)))]
        rows += [[*where, *_change(of)] for of in by_number(some).values()]
    own = f"{b} − {a}"
    columns = [f"{who}, {own} [95 %]" for who in ("the neurons’ own", "neurons", "twins")]
    caption = (
        f"{second} minus {first}, {'mean over the layers' if whole else 'by layer'} (bold: the interval excludes 0)"
    )
    return table(
        caption,
        ["claim and number", *columns, "interval"] if whole else ["layer", "claim and number", *columns, "interval"],
        rows,
    )


def _change(of: Mapping[str, Row]) -> list[object]:
    own, digits = of["own"], places([*of.values()])
    cells = [
        numeric(with_interval(of[name], digits), own=direction(of[name]) in ("more", "less"))
        for name in ("own", "neurons", "twin")
    ]
    return [
        f"{own['claim']}: {sentence(str(own['title']))}",
        *cells,
        own["interval"] or of["neurons"]["interval"] or UNDEFINED,
    ]


def _means_section(tables: Tables, letters: Mapping[str, str], charts: Charts) -> Html:
    several = len(tables["studies"][0]["layers"]) > 1
    by_layer = (
        [charts.figure("own", partial(figures.own, tables), "What is the neurons' own, by study and layer")]
        if several
        else []
    )
    return section(
        "means",
        "The studies",
        _means_table(tables, letters, None),
        charts.figure("means", partial(figures.means, tables), "Neurons and twins of every study, with intervals"),
        *by_layer,
        _details(
            "The same by layer",
            [_means_table(tables, letters, place) for place in range(len(tables["studies"][0]["layers"]))],
        ),
    )


def _means_table(tables: Tables, letters: Mapping[str, str], place: int | None) -> Html:
    layer = {str(row["study"]): None if place is None else row["layers"][place] for row in tables["studies"]}
    rows = [row for row in tables["means"] if row["layer"] == layer[row["study"]]]
    found: dict[str, dict[tuple[str, str], Row]] = {}
    for row in rows:
        found.setdefault(row["number"], {})[row["study"], row["of"]] = row
    cells = []
    for of in found.values():
        digits = decimals(*(row["value"] for row in of.values()))
        first = next(iter(of.values()))
        shown = [
            numeric(with_interval(of[study, who], digits, "value", signed=False))
            for study in letters
            for who in ("neurons", "twin", "own")
        ]
        cells.append([f"{first['claim']}: {sentence(str(first['title']))}", *shown])
    columns = [f"{letters[study]}: {who}" for study in letters for who in ("neurons", "twins", "own")]
    where = "mean over the layers" if place is None else f"layer {'→'.join(dict.fromkeys(map(str, layer.values())))}"
    return table(f"Means with 95 % intervals, {where}", ["claim and number", *columns], cells)


def _pairs_section(tables: Tables, letters: Mapping[str, str]) -> Html:
    worth = [
        [
            *_pair_cells(row, letters),
            *(row["match"], f"{row['pairs']:,}", f"{row['sharing']:,}"),
            *(numeric(number(row[name])) for name in ("cosine", "median", "random", "twin", "cosine_among")),
            numeric(percent(row["same_index"])),
        ]
        for row in tables["matches"]
    ]
    heads = ["studies", "layers", "by", "pairs", "with a token in common", "cosine, mean", "median", "random"]
    heads += ["with twins", "among as many", "same index"]
    together = [
        [
            *_pair_cells(row, letters),
            *(short_name(str(row["number"])), f"{row['pairs']:,}", numeric(number(row["r"], 2))),
            *(numeric(number(row["null_std"], 3)), numeric(p_value(row["p"])), numeric(number(row["r_twin"], 2))),
        ]
        for row in tables["correlations"]
    ]
    columns = ("studies", "layers", "number", "pairs", "r", "deviation of r by chance", "p", "r with twins")
    return section(
        "pairs",
        "Pairs of neurons",
        element("p", PAIRS),
        table("How alike pairs are", heads, worth),
        element("p", TOGETHER),
        _details("How numbers go together over pairs", [table("Rank correlation over pairs", columns, together)]),
    )


def _pair_cells(row: Row, letters: Mapping[str, str]) -> list[str]:
    layers = dict.fromkeys((row["layer_first"], row["layer_second"]))
    return [f"{letters[row['first']]}, {letters[row['second']]}", "→".join(map(str, layers))]


def _settings_section(tables: Tables, letters: Mapping[str, str], notes: Sequence[str]) -> Html:
    rows = [
        [row["name"], *(UNDEFINED if value is None else str(value) for value in row["values"])]
        for row in tables["settings"]
    ]
    return section(
        "settings",
        "In what the studies differ",
        *([element("ul", *(element("li", note) for note in notes))] if notes else []),
        table("Facts and settings that differ", ["name", *letters.values()], rows)
        if rows
        else element("p", "The studies differ in no setting."),
    )
