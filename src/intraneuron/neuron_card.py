"""The card of a neuron as a notebook user holds it."""

from __future__ import annotations

from dataclasses import fields

import altair as alt

from intraneuron.data import Card
from intraneuron.figures.spectrum import spectrum
from intraneuron.report.card_html import card_html
from intraneuron.report.terminal import card_text


class NeuronCard(Card):
    """A card that shows itself: text in a terminal, a picture and tables in a notebook."""

    @classmethod
    def of(cls, card: Card) -> NeuronCard:
        """Wrap a card."""
        return cls(**{f.name: getattr(card, f.name) for f in fields(card)})

    def figure(self) -> alt.Chart:
        """Return the spectrum: the activation axis with every core token."""
        return spectrum(self)

    def _repr_html_(self) -> str:
        return card_html(self)

    def __str__(self) -> str:
        """Return the card as plain text."""
        return card_text(self)
