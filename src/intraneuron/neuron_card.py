"""The card of a neuron as a notebook user holds it: of a study, or from three plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import altair as alt
import numpy as np

from intraneuron.data import Card
from intraneuron.figures.spectrum import spectrum
from intraneuron.one import one_neuron
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


def test(
    tokens: Sequence[str],
    activations: Sequence[float] | np.ndarray,
    vectors: np.ndarray,
    *,
    segments: str = "quantile:5",
    categories: str = "ward",
    seed: int = 0,
) -> NeuronCard:
    """Test one neuron from three plain arrays; no model is needed.

    Parameters
    ----------
    tokens : n strings
    activations : n numbers
        Any order; the card shows them descending.
    vectors : (n, D)
        One embedding a token, any length; meaning is their cosine.
    segments, categories : str
        As in ``inn.study``.
    seed : int
        Keys the Monte Carlo draws of small zones.

    Returns
    -------
    NeuronCard
        Without twins: there is no layer to rotate. Its pattern is ``untested``.

    Raises
    ------
    DataError
        When arrays disagree in length, are no real numbers, activations are NaN or all equal, or a vector has no
        direction.
    SettingError
        For segments, categories or a seed that there are not.
    """
    return NeuronCard.of(one_neuron(tokens, activations, vectors, segments=segments, categories=categories, seed=seed))
