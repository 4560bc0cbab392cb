"""A replication in the terminal: the paper's sentences beside this study's numbers, and what published files hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from intraneuron.data.display import plain, sentence
from intraneuron.figures.reference import reference
from intraneuron.report.wording import CLAIMS, finding, key_rows, said

Row = Mapping[str, Any]


def render_paper(summary: Mapping[str, Any]) -> RenderableType:
    """Show claims C1 to C4 of the paper, each with what this study says to it."""
    lines: list[RenderableType] = [Text("The paper, and its data here", style="bold")]
    for claim, row in key_rows(summary).items():
        own = f"Here: {said(row)}. {sentence(str(row['title']))}: {finding(row)}"
        lines += [Text(f"{claim}  The paper: {CLAIMS[claim]}"), Padding(Text(plain(own)), (0, 0, 0, 4))]
    note = reference(summary).note
    return Group(*lines, *([Text(note, style="dim")] if note else []), Text())


def render_probe(rows: Sequence[Row]) -> RenderableType:
    """Show, kind by kind, which fields a few files hold, and what is not as documented."""
    parts: list[RenderableType] = []
    for row in rows:
        head = f"{row['kind']}: {row['came']} of {row['asked']} files came"
        gone = [
            f"{row[name]} {words}" for name, words in (("not_there", "not there"), ("damaged", "damaged")) if row[name]
        ]
        parts.append(Text(plain("; ".join([head, *gone])), style="bold"))
        parts.append(Text(plain(f"  {row['address']}"), style="dim", overflow="fold"))
        parts += [Text(plain(f"  {path:<44}{_types(found)}")) for path, found in row["fields"].items()]
        parts += [Text(plain(f"  Not as documented: {words}."), style="yellow") for words in row["surprises"]]
        if not row["surprises"]:
            parts.append(Text("  As documented."))
        parts.append(Text())
    return Group(*parts, Text("Nothing was written. Leave --probe out to replicate."))


def _types(found: Row) -> str:
    """Write the types of a field and the lengths of its lists."""
    types = ", ".join(f"{name} ({count:,})" for name, count in found["types"].items())
    if "longest" not in found:
        return types
    same = found["shortest"] == found["longest"]
    return (
        f"{types}, length {found['longest']}" if same else f"{types}, lengths {found['shortest']} to {found['longest']}"
    )
