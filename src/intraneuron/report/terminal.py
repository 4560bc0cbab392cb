"""A neuron's card and the claims of a study, for the terminal; readable without colour, from 80 columns up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from intraneuron.config import OWN_TWINS
from intraneuron.data.card import Card, CardCategory
from intraneuron.data.display import UNDEFINED, is_defined, measure, number, p_value, plain, sentence, visible
from intraneuron.figures.claim_rows import bounds, other_twins, written
from intraneuron.figures.palette import category_color, category_glyph, category_words
from intraneuron.figures.reference import reference, reference_of_card
from intraneuron.pipeline.numbers import difference_name, reference_of
from intraneuron.report.contexts import contexts_text
from intraneuron.report.strip import SIGNIFICANT, Strip
from intraneuron.report.wording import (
    WEAK,
    halves_said,
    is_clear,
    key_rows,
    needed,
    pattern_sentence,
    said,
    short_name,
    whole_model,
)

LABEL = 26
AXIS_NOTE = "A mark is a token, a digit so many tokens at one place; further right is more active."
CLAIMS_CAPTION = (
    "left: neurons minus {name} twins (bold: interval without 0). p<.05, {short}: share of neurons and of {name} twins."
)
NARROWEST = 60


def render_card(card: Card, console_width: int = 80) -> RenderableType:
    """Show a neuron: its tokens along the activation, categories, zones and numbers, each beside the twins'."""
    width = max(NARROWEST, console_width)
    parts: list[RenderableType] = [_header(card)]
    strip = Strip.of(card, width - LABEL - 1)
    if strip is None:
        return Group(*parts, Text("It has no core tokens: it was never active."), *_notes(card))
    parts += [Text(), *_axis(card, strip), Text(), *_categories(card)]
    parts += [_segments(card), _numbers(card), *contexts_text(card, width), Text(WEAK, style="italic"), *_notes(card)]
    return Group(*parts)


def card_text(card: Card, width: int = 80) -> str:
    """Return a card as plain text, without colour."""
    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(render_card(card, width))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


LONG_BOUNDS = 12
"""Characters of two bounds that fit into a column of the claims table at 80 columns."""


def render_claims(summary: Mapping[str, Any]) -> Table:
    """Show the paper's claims: this model's numbers, the twins', and what is left of them."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), title_justify="left", caption_justify="left")
    table.title = Text(f"The claims in {plain(str(summary.get('model', 'this model')))}", style="bold")
    twin = reference(summary)
    caption = CLAIMS_CAPTION.format(name=twin.name, short=twin.short)
    table.caption = Text("\n".join([*_verdicts(summary), caption, *([twin.note] if twin.note else [])]))
    table.add_column("claim and number", no_wrap=True)
    for name in ("neurons [95%]", "shuff.", twin.name, "left [95%]", "p<.05", twin.short):
        table.add_column(name, justify="right", overflow="fold")
    for row in whole_model(list(summary.get("claims") or ())):
        table.add_row(*_claim(row))
    return table


def render_other_twins(summary: Mapping[str, Any]) -> list[Table]:
    """Show the claims beside the twins that :func:`render_claims` leaves out, two a table: 80 columns hold no more."""
    rows = whole_model(list(summary.get("claims") or ()))
    twins = other_twins(rows)
    return [_others_table(rows, twins[start : start + 2]) for start in range(0, len(twins), 2)]


def _others_table(rows: Sequence[Mapping[str, Any]], twins: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), title_justify="left")
    table.title = Text(f"Beside {' and '.join(twins)} twins (left: neurons minus twin)", style="bold")
    table.add_column("claim and number", no_wrap=True)
    for twin in twins:
        for name in (twin, "left [95%]") if twin in OWN_TWINS else (twin,):
            table.add_column(name, justify="right", overflow="fold")
    for row in rows:
        table.add_row(*_beside(row, twins))
    return table


def _beside(row: Mapping[str, Any], twins: Sequence[str]) -> list[Text]:
    cells = [Text(f"{plain(str(row['claim']))} {plain(short_name(str(row['number'])))}")]
    for twin in twins:
        cells.append(Text(_short(written(row, twin))))
        if twin in OWN_TWINS:
            cells.append(Text(_interval(row, difference_name(twin, reference_of(row)))))
    return cells


def _verdicts(summary: Mapping[str, Any]) -> list[str]:
    return [f"{claim} ({short_name(str(row['number']))}): {said(row)}." for claim, row in key_rows(summary).items()]


def _claim(row: Mapping[str, Any]) -> list[Text]:
    return [
        Text(f"{plain(str(row['claim']))} {plain(short_name(str(row['number'])))}"),
        Text(_interval(row, "neurons")),
        Text(_short(written(row, "shuffled"))),
        Text(_short(written(row, reference_of(row)))),
        Text(_interval(row, "difference"), style="bold" if is_clear(row) else ""),
        Text(_percent(row.get("share_neurons"))),
        Text(_percent(row.get(f"share_{reference_of(row)}"))),
    ]


def _interval(row: Mapping[str, Any], name: str) -> str:
    """Write a value and its interval, the bounds without their leading zero; a long one may break between them."""
    low, high = (_short(bound) for bound in bounds(row, name))
    if not low or not high:
        return written(row, name)
    space = " " if len(low) + len(high) > LONG_BOUNDS else ""
    return f"{written(row, name)} [{low},{space}{high}]"


def _short(text: str) -> str:
    """Leave the zero before the point out: 80 columns are just enough without it."""
    return text.replace("0.", ".", 1) if text.lstrip("−").startswith("0.") else text


def _percent(share: float | None) -> str:
    return f"{100 * share:.0f}%" if share is not None and is_defined(share) else UNDEFINED


def _header(card: Card) -> Text:
    text = Text()
    text.append(plain(card.name), style="bold")
    text.append(f"  {plain(card.model)} · {plain(card.mode)} mode · {plain(card.space)} space", style="dim")
    text.append(f" · {len(card.tokens)} core tokens\n", style="dim")
    text.append(" ".join(filter(None, (pattern_sentence(card.pattern, reference_of_card(card)), needed(card)))))
    facts = [f"silhouette {number(card.silhouette, 2)}"] if is_defined(card.silhouette) else []
    if card.clustered is not None:
        facts.append("categories clearer than a cut" if card.clustered else "categories are a cut, not a discovery")
    for line in ("; ".join(facts), halves_said(card)):
        if line:
            text.append(f"\n{sentence(line)}.", style="dim")
    return text


def _axis(card: Card, strip: Strip) -> list[Text]:
    lines = [
        _labelled("activation", "dim", strip.scale()),
        _labelled("zone (*: q < 0.05)", "dim", strip.zones(card.segments)),
    ]
    for category in card.categories:
        name = f"{category_glyph(category.category)} {category_words(category)}"
        lines.append(_labelled(name, category_color(category.category), strip.category(card, category.category)))
    if any(token.category < 0 for token in card.tokens):
        lines.append(_labelled(f"{category_glyph(-1)} in no category", "dim", strip.category(card, -1)))
    return [*lines, Text(AXIS_NOTE, style="dim")]


def _labelled(name: str, style: str, line: Text) -> Text:
    label = Text(name, style=style, no_wrap=True)
    label.truncate(LABEL - 1, overflow="ellipsis", pad=True)
    if cell_len(label.plain) < LABEL:
        label.append(" " * (LABEL - cell_len(label.plain)))
    label.append_text(line)
    label.no_wrap = True
    return label


def _categories(card: Card) -> list[RenderableType]:
    parts: list[RenderableType] = []
    groups: list[CardCategory | None] = [*card.categories, None]
    for category in groups:
        key = -1 if category is None else category.category
        tokens = [token for token in card.tokens if token.category == key]
        if tokens:
            parts.append(_category_head(category, len(tokens)))
            words = Text(", ".join(visible(token.token, 30) for token in tokens), overflow="fold")
            parts.append(Padding(words, (0, 0, 0, 2)))
    return parts


def _category_head(category: CardCategory | None, size: int) -> Text:
    if category is None:
        return Text(
            f"{category_glyph(-1)} in no category (groups under 3 tokens are dropped): {size}", style="bold dim"
        )
    text = Text(f"{category_glyph(category.category)} {category_words(category)}")
    text.stylize(f"bold {category_color(category.category)}")
    facts = f"  {category.size} tokens, mean {measure(category.mean_activation)}"
    facts += f", δ {number(category.cliffs_delta, 2, signed=True)}, p {p_value(category.p)}"
    facts += f", selectivity {number(category.selectivity, 2, signed=True)}"
    return text.append(facts, style="not bold")


def _plain_table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), title=Text(title))
    table.title_justify = "left"
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index else "left", overflow="fold")
    return table


def _segments(card: Card) -> Table:
    columns = ("zone", "from", "to", "tokens", "homogen.", "random", card.reference, "p", "q", "purity")
    table = _plain_table("Zones: how alike their tokens are", columns)
    for one in card.segments:
        star = is_defined(one.q) and one.q < SIGNIFICANT
        table.add_row(
            *(f"{one.segment + 1}{'*' if star else ''}", measure(one.high), measure(one.low), str(one.size)),
            *(number(one.homogeneity), number(one.null), number(one.twin), p_value(one.p), p_value(one.q)),
            number(one.purity, 2),
            style="bold" if star else "",
        )
    return table


def _numbers(card: Card) -> Table:
    twin = reference_of_card(card)
    columns = ("number", "value", twin.name, f"{twin.short} 95%", "shuffled", "p", "q")
    table = _plain_table("Numbers: this neuron beside the means of its layer's twins", columns)
    for one in card.numbers:
        star = is_defined(one.q) and one.q < SIGNIFICANT
        table.add_row(
            *(Text(f"{one.claim} {plain(short_name(one.name))}"), number(one.value), number(one.twin)),
            *(number(one.twin95), number(one.shuffled), p_value(one.p), p_value(one.q)),
            style="bold" if star else "",
        )
    return table


def _notes(card: Card) -> list[RenderableType]:
    said = reference_of_card(card).note
    return [Text(f"Note: {plain(note)}", style="dim") for note in (*card.notes, *([said] if said else []))]
