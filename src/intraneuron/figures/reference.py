"""The twin that neurons are judged by, as figures, pages and terminals call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intraneuron.data.card import Card
from intraneuron.pipeline.numbers import reference_of


@dataclass(frozen=True)
class Reference:
    """The twin of reference in words.

    Attributes
    ----------
    name : str
    short : str
        Its name in a narrow column.
    directions : str
        What it is made of.
    color, marks : str
        How figures draw it.
    note : str
        What a reader has to know of it wherever it stands; empty for rotated twins.
    """

    name: str
    short: str
    directions: str
    color: str
    marks: str
    note: str = ""


REFERENCES = {
    "rotated": Reference("rotated", "rot.", "random directions through the same layer", "orange", "orange diamonds"),
    "readout": Reference(
        *("readout", "read.", "random directions of the space", "violet", "violet squares"),
        "No model was run, so neurons are judged by readout twins: random directions of the space. They are a lower "
        "bound: directions through a deep layer may show more, and then less is the neurons' own than is left here.",
    ),
}


def reference(found: Mapping[str, Any]) -> Reference:
    """Return the twin that a summary, or a row of its claims, judges neurons by."""
    return REFERENCES[reference_of(found)]


def reference_of_card(card: Card) -> Reference:
    """Return the twin that a card judges its neuron by."""
    return REFERENCES[card.reference]
