"""A calibration in the terminal: sizes, what planted relations are found, how firm patterns are; from 80 columns up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from intraneuron.data.display import UNDEFINED, is_defined, number
from intraneuron.figures.reference import REFERENCES, Reference
from intraneuron.report.wording import short_name

Tables = Mapping[str, Sequence[Mapping[str, Any]]]
Row = Mapping[str, Any]

OUT = "bold red"
SIZE_CAPTION = (
    "Share of shuffles with p at or below a level, over that level, ± half of its 95 % interval; 1 is right. ! is out "
    "of bounds, ( ) too few shuffles to judge. Behind it the shares with p ≤ 0.05 in a cloud without meaning, in "
    "{name} twins and in the neurons: what is above 5 % in the cloud is what reading a direction alone does, no fault "
    "of the test."
)
REACH_CAPTION = (
    "The least planted strength (0 to 1) at which 80 % of made-up neurons have p < 0.05; behind / that at the study's "
    "q < 0.05. Noise: share of tokens in no category."
)
PATTERN_CAPTION = "Of made-up neurons with a planted relation, the share given each pattern (rows: what was planted)."
RETEST_CAPTION = (
    "Is the pattern found again? Forms: the core tokens of even and of odd rank (ranks), or those that each half of "
    "the text selects by itself (texts; with texts only). Cohen's kappa: 1 the same pattern, 0 as by chance."
)


def render_calibration(tables: Tables) -> RenderableType:
    """Show a calibration; tests out of bounds are named in red below."""
    twin = REFERENCES["readout" if any("share_readout" in row for row in tables["size"]) else "rotated"]
    said = " ".join(filter(None, (SIZE_CAPTION.format(name=twin.name), twin.note)))
    parts: list[RenderableType] = [_size(tables["size"], twin), Text(said, style="dim"), Text()]
    parts += [_reach(tables["reach"]), Text(REACH_CAPTION, style="dim"), Text()]
    parts += [_patterns(tables["patterns"]), Text(PATTERN_CAPTION, style="dim"), Text()]
    if tables["retest"]:
        parts += [_retest(tables["retest"]), Text(RETEST_CAPTION, style="dim"), Text()]
    return Group(*parts, *verdict_lines(tables["size"]))


def verdict_lines(size: Sequence[Row]) -> list[Text]:
    """Say which tests are out of bounds, and which could not be judged."""
    lines = [
        Text(
            f"Out of bounds: {row['test']} at p ≤ {row['level']:g}: {number(row['ratio'], 2)} "
            f"[{number(row['ratio_low'], 2)}, {number(row['ratio_high'], 2)}], allowed "
            f"{row['bound_low']:g} to {row['bound_high']:g}.",
            style=OUT,
        )
        for row in size
        if row["out"]
    ]
    judged = sum(row["enough"] for row in size)
    lines += [Text("Every test that could be judged keeps its size.")] if judged and not lines else []
    few = Counter(row["level"] for row in size if not row["enough"])
    if few:
        told = ", ".join(f"{count} at {level:g}" for level, count in few.items())
        lines.append(Text(f"Too few shuffles to judge all tests (left out: {told}); give more with --shuffles."))
    return lines


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), title=Text(title, style="bold"))
    table.title_justify = "left"
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index else "left", overflow="fold", no_wrap=index > 0)
    return table


def _size(size: Sequence[Row], twin: Reference) -> Table:
    levels = list(dict.fromkeys(row["level"] for row in size))
    table = _table(
        "Size of every test", ["test and group", *(f"at {level:g}" for level in levels), "cloud", twin.short, "neur."]
    )
    for name in dict.fromkeys(row["test"] for row in size):
        rows = {row["level"]: row for row in size if row["test"] == name}
        first = rows[levels[0]]
        shares = (first[f"share_{who}"] for who in ("cloud", twin.name, "neurons"))
        style = OUT if any(row["out"] for row in rows.values()) else ""
        table.add_row(Text(name, style=style), *map(_ratio, rows.values()), *map(_percent, shares))
    return table


def _ratio(row: Row) -> Text:
    text = f"{row['ratio']:.2f}±{row['ratio_high'] - row['ratio']:.2f}"
    if not row["enough"]:
        return Text(f"({text})", style="dim")
    return Text(f"{text}!", style=OUT) if row["out"] else Text(f"{text} ")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if is_defined(share) else UNDEFINED


def _reach(reach: Sequence[Row]) -> Table:
    columns = list(dict.fromkeys((row["kind"], row["noise"]) for row in reach))
    heads = [f"{kind}, {noise:g}" for kind, noise in columns]
    table = _table("What planted relations are found (kind, noise)", ["number", *heads])
    for name in dict.fromkeys(row["number"] for row in reach):
        cells = {(row["kind"], row["noise"]): row for row in reach if row["number"] == name}
        table.add_row(short_name(name), *(_strengths(cells.get(column)) for column in columns))
    return table


def _strengths(row: Row | None) -> str:
    return UNDEFINED if row is None else f"{_strength(row['at_p'])}/{_strength(row['at_q'])}"


def _strength(value: float) -> str:
    return f"{value:.1f}" if is_defined(value) else UNDEFINED


def _patterns(patterns: Sequence[Row]) -> Table:
    names = [name for name in dict.fromkeys(row["pattern"] for row in patterns) if name not in ("untested",)]
    table = _table("Patterns of made-up neurons", ["planted: kind, strength, noise", *names])
    keys = dict.fromkeys((row["kind"], row["strength"], row["noise"]) for row in patterns)
    for key in keys:
        if key[0] != "none" and key[1] not in (0.5, 1.0):
            continue
        shares = {
            row["pattern"]: row["share"] for row in patterns if (row["kind"], row["strength"], row["noise"]) == key
        }
        planted = key[0] if key[0] == "none" else f"{key[0]}, {key[1]:g}"
        table.add_row(f"{planted}, {key[2]:g}", *(_percent(shares[name]) for name in names))
    return table


def _retest(retest: Sequence[Row]) -> Table:
    table = _table("Patterns, twice", ["forms", "layer", "of", "neurons", "same pattern", "kappa"])
    for row in retest:
        layer = "all" if row["layer"] is None else str(row["layer"])
        found = (f"{row['neurons']:,}", _percent(row["agreement"]), number(row["kappa"], 2))
        table.add_row(str(row["forms"]), layer, str(row["population"]), *found)
    return table
