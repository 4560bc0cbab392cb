"""The spectrum of a neuron: its core tokens along its activation, by zone and by category."""

from __future__ import annotations

from dataclasses import replace

import altair as alt

from intraneuron.data.card import Card
from intraneuron.data.display import is_defined, plain
from intraneuron.figures.frame import Frame
from intraneuron.figures.lane_marks import lane_panel
from intraneuron.figures.lanes import Style, lanes
from intraneuron.figures.layout import heading, nothing
from intraneuron.figures.palette import category_words
from intraneuron.figures.reference import reference_of_card
from intraneuron.figures.zones import find_zones, zone_panel

GUTTER = 56
WIDE = 1000


def spectrum(card: Card, width: int = 640) -> alt.VConcatChart | alt.LayerChart:
    """Draw a neuron: activation to the right, a lane for each category, zones of activation as columns.

    ``width`` is that of the whole picture in px. The steps above the lanes show how alike the tokens of each zone
    are, beside a random subset of the neuron's own tokens and the same zone of the twins of reference.
    """
    tokens = tuple(token for token in card.tokens if is_defined(token.activation))
    title = heading(_title(card, len(tokens)), _caption(card), width - GUTTER)
    if not tokens:
        return nothing(title, "It has no core tokens: it was never active.", width - GUTTER)
    card = replace(card, tokens=tokens)
    frame = Frame.around(tokens, width - GUTTER)
    style = Style(font=11, row=14.5, max_rows=10) if width >= WIDE else Style()
    zones = find_zones(card.segments, frame)
    panels = [zone_panel(zones, frame, reference_of_card(card))] if zones else []
    panels.append(lane_panel(card, lanes(card, frame, style), zones, frame, style))
    return alt.vconcat(*panels, spacing=6, title=title, description=_description(card))


def _title(card: Card, size: int) -> str:
    return f"{plain(card.name)}: the {size} tokens it responds to most, along its activation"


def _caption(card: Card) -> str:
    if len(card.categories) < 2:
        return "Columns are zones of activation; there are too few categories of meaning to compare them with."
    return (
        "Rows are categories of meaning, columns zones of activation: a zone that picks out a meaning "
        "has its tokens in few rows, and its step above the random one (*: q < 0.05)."
    )


def _description(card: Card) -> str:
    names = "; ".join(category_words(category) for category in card.categories)
    return f"Core tokens of {plain(card.name)} by activation. Categories, most active first: {names or 'none'}."
