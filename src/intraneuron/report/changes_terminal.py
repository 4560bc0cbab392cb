"""Studies side by side in the terminal, from 80 columns up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from intraneuron.data.display import UNDEFINED, decimals, number, percent, plain
from intraneuron.figures.changes import letter
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
from intraneuron.report.wording import short_name

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

MOST = 4
"""Studies that have a column each; of more, the first and the last."""


def render_changes(tables: Tables, notes: Sequence[str]) -> RenderableType:
    """Show two or more studies: what is the neurons' own in each, and what changes from the first to the last."""
    letters = {str(row["study"]): letter(i) for i, row in enumerate(tables["studies"])}
    parts: list[RenderableType] = [_who(tables, letters), Text(), _changes(tables, letters), Text()]
    parts += [Text(plain(line)) for line in verdicts(tables, letters)]
    parts += [Text(NOTE, style="dim"), Text()]
    if tables["matches"]:
        parts += [*_matches(tables, letters), Text()]
    parts += _settings(tables, letters)
    parts += [Text(f"Note: {plain(note)}", style="dim") for note in notes]
    return Group(*parts)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), title=Text(title, style="bold"))
    table.title_justify = "left"
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index else "left", overflow="fold", no_wrap=not index)
    return table


def _who(tables: Tables, letters: Mapping[str, str]) -> Group:
    lines = [Text("Studies side by side", style="bold")]
    for row in tables["studies"]:
        layers = ", ".join(map(str, row["layers"]))
        facts = f"{row['model']}, {row['mode']} mode, {row['space']} space, layers {layers}, beside {row['twin']} twins"
        line = Text(f"{letters[row['study']]}  {plain(str(row['study']))}")
        lines.append(line.append(f"  {plain(facts)}", style="dim"))
    return Group(*lines)


def _changes(tables: Tables, letters: Mapping[str, str]) -> Table:
    first, second = pair_of(tables)
    shown = list(letters) if len(letters) <= MOST else [first, second]
    a, b = letters[first], letters[second]
    columns = ["claim and number", *(f"own {letters[s]}" for s in shown), f"own {b} − {a} [95%]"]
    columns += [f"neurons {b} − {a}"] if len(shown) == 2 else []  # 80 columns hold no more
    table = _table("The neurons' own (neurons minus twins), mean over the layers", columns)
    means = {
        (row["number"], row["study"]): row["value"]
        for row in tables["means"]
        if row["of"] == "own" and row["layer"] is None
    }
    for name, of in by_number(changes_of(tables, first, second)).items():
        digits = max(places([*of.values()]), decimals(*(means[name, s] for s in shown)))
        clear = direction(of["own"]) in ("more", "less")
        table.add_row(
            Text(f"{of['own']['claim']} {short_name(name)}"),
            *(_bare(number(means[name, s], digits)) for s in shown),
            Text(_bare(with_interval(of["own"], digits)), style="bold" if clear else ""),
            *([_bare(number(of["neurons"]["change"], digits, signed=True))] if len(shown) == 2 else []),
        )
    return table


def _bare(text: str) -> str:
    """Leave the zeros before points out.

    >>> _bare("+0.012 [−0.010, 10.5]")
    '+.012 [−.010, 10.5]'
    """
    return re.sub(r"(?<![0-9])0(?=\.)", "", text)


def _matches(tables: Tables, letters: Mapping[str, str]) -> list[RenderableType]:
    table = _table(
        "Pairs of neurons: cosine of their token profiles",
        ["layer", "by", "pairs", "cosine", "random", "with twins", "among as many", "same index"],
    )
    for row in tables["matches"]:
        pair = f"{letters[row['first']]}{letters[row['second']]} " if len(letters) > 2 else ""
        layers = dict.fromkeys((row["layer_first"], row["layer_second"]))
        table.add_row(
            *(f"{pair}{'→'.join(map(str, layers))}", str(row["match"]), f"{row['pairs']:,}", number(row["cosine"])),
            *(number(row["random"]), number(row["twin"]), number(row["cosine_among"]), percent(row["same_index"])),
        )
    said = (
        "With twins: the same matching with the second study's random directions, and beside it that of as many of its "
        "neurons; only what is above them makes a pair."
    )
    return [table, Text(said, style="dim")]


def _settings(tables: Tables, letters: Mapping[str, str]) -> list[RenderableType]:
    if not tables["settings"]:
        return [Text("The studies differ in no setting.", style="dim")]
    table = _table("What differs", ["setting", *letters.values()])
    for row in tables["settings"]:
        table.add_row(Text(plain(str(row["name"]))), *(Text(_cell(value)) for value in row["values"]))
    return [table, Padding("", 0)]


def _cell(value: Any) -> str:
    text = UNDEFINED if value is None else plain(str(value))
    return text if len(text) <= 24 else f"{text[:12]}…"
