"""What shows itself, in a terminal and in a notebook: the card of a neuron, the robustness of a study."""

from __future__ import annotations

from dataclasses import fields

import altair as alt

from intraneuron.data import Card
from intraneuron.errors import SettingError
from intraneuron.figures.specifications import robustness as robustness_figure
from intraneuron.figures.specifications import specifications as specifications_figure
from intraneuron.figures.spectrum import spectrum as spectrum_figure
from intraneuron.report.card_html import card_html
from intraneuron.report.robustness import headings
from intraneuron.report.terminal import card_text
from intraneuron.settings import nearest
from intraneuron.varying import Robustness


class NeuronCard(Card):
    """A card that shows itself: text in a terminal, a picture and tables in a notebook."""

    @classmethod
    def of(cls, card: Card) -> NeuronCard:
        """Wrap a card."""
        return cls(**{f.name: getattr(card, f.name) for f in fields(card)})

    def figure(self) -> alt.Chart:
        """Return the spectrum: the activation axis with every core token."""
        return spectrum_figure(self)

    def _repr_html_(self) -> str:
        return card_html(self)

    def __str__(self) -> str:
        """Return the card as plain text."""
        return card_text(self)


class StudyRobustness(Robustness):
    """The robustness of a study, with its figures; as text it says what holds under every choice."""

    @classmethod
    def of(cls, found: Robustness) -> StudyRobustness:
        """Wrap what was found."""
        return cls(**{f.name: getattr(found, f.name) for f in fields(found)})

    def figure(self, number: str | None = None) -> alt.VConcatChart | alt.LayerChart:
        """Return the specification curve of a number, e.g. ``figure("mrpp_a")``; of one a claim when not given."""
        if number is None:
            return robustness_figure(self.specifications, self.facts["twin"])
        known = [row["number"] for row in self.conclusions]
        if number not in known:
            msg = f"There is no number {number!r} among the specifications{nearest(number, known) or '.'}"
            raise SettingError(msg)
        return specifications_figure(self.specifications, number)

    def __str__(self) -> str:
        """Return what was computed, and what holds under every choice."""
        return "\n".join([self.said, *headings(self.conclusions)])
